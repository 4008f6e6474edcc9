"""Finding the sample that a row of a foreign file is about: it names no id, but a video and a text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from videomind.annotations.videos import SUFFIXES
from videomind.evaluation.sample import Sample, Span


class Matcher:
    """Finds the samples of rows, each sample once as long as there is another that fits."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._fitting: defaultdict[tuple[str, str], list[Sample]] = defaultdict(list)
        for sample in samples:
            for name in {"", *map(_bare, sample.video)}:
                self._fitting[name, _folded(sample.question)].append(sample)
        self._taken: set[str] = set()

    def match(self, video: str, text: str, spans: Sequence[Span], options: Sequence[str]) -> Sample | None:
        """The sample of a row; None where none has its video and text.

        Of several it is one with the same spans and options, if there are any, in the order of the annotations. A row
        that all of these are taken for repeats one: then it is the last of them.

        Args:
            video: path or name of the video; "" where the row does not name it.
            text: the question, or the text to ground.
            spans: the true spans that the row names.
            options: the options that it names.
        """
        fitting = self._fitting.get((_bare(video), _folded(text)), [])
        best = [sample for sample in fitting if _alike(sample, spans, options)] or fitting
        if not best:
            return None
        found = next((sample for sample in best if sample.id not in self._taken), best[-1])
        self._taken.add(found.id)
        return found


def _alike(sample: Sample, spans: Sequence[Span], options: Sequence[str]) -> bool:
    mine, given = ([option.casefold() for option in some] for some in (sample.options, options))
    return tuple(sample.spans) == tuple(spans) and mine == given


def _bare(video: str) -> str:
    """The name of a file, without a suffix of videos: others belong to it ("NUsG9BgSes0_210.0_360.0")."""
    name = video.replace("\\", "/").rpartition("/")[2].casefold()
    stem, dot, suffix = name.rpartition(".")
    return stem if dot + suffix in SUFFIXES else name


def _folded(text: str) -> str:
    return " ".join(text.split()).strip(".? ").casefold()

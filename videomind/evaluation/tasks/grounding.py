"""The two layouts that several grounding benchmarks are published in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from videomind.annotations.activitynet_captions import Sentence, sentences
from videomind.annotations.files import numbered_lines, parse_line
from videomind.evaluation.sample import Sample
from videomind.evaluation.tasks.reading import as_query, numbered, samples


def read_sentences(path: Path, names: Callable[[str], tuple[str, ...]]) -> Iterator[Sample]:
    """{video: {"duration", "timestamps": [[start, end], …], "sentences": […]}}, in seconds (also "video_duration").

    Args:
        path: the JSON file.
        names: what the video's file may be called.
    """

    def sample(sentence: Sentence) -> Sample:
        video, data, _ = sentence
        return Sample(
            id=video,
            video=names(video),
            question=as_query(sentence.text),
            spans=(sentence.times,),
            duration=data["duration"] if "duration" in data else data["video_duration"],
        )

    return numbered(samples(path, sentences(path), sample))


def read_windows(path: Path, names: Callable[[str], tuple[str, ...]]) -> Iterator[Sample]:
    """JSONL with qid, query, duration, vid and relevant_windows (seconds); ids are "<vid>_<number>" where qid is none.

    Further keys become notes.

    Args:
        path: the JSONL file.
        names: what the video's file may be called.
    """
    return samples(path, numbered_lines(path), lambda line: window(parse_line(line), names))


def window(entry: dict[str, Any], names: Callable[[str], tuple[str, ...]]) -> Sample:
    """A line of such a file. The test splits that come without truth have no relevant_windows."""
    fields = {"qid", "query", "duration", "vid", "relevant_windows"}
    return Sample(
        id=str(entry["qid"]),
        video=names(entry["vid"]),
        question=as_query(entry["query"]),
        spans=entry.get("relevant_windows", ()),
        duration=entry["duration"],
        notes={key: value for key, value in entry.items() if key not in fields},
    )

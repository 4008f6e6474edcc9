"""The figure of docs/vllm.md: the requests of two questions over time, and what each found in the cache.

`python -m benchmarks.reuse_figure docs/vllm.png` asks the embedded model two questions about one video on vLLM.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import matplotlib

from benchmarks.compared import scene_questions, uncalibrated
from benchmarks.engine_reuse import vllm_agent
from videomind.lora_switch.bundle import load_bundle
from videomind.results import Result, RoleCall
from videomind.synth.video import write_scene
from videomind.synth.world import sample_scene

matplotlib.use("Agg")
SEED = 7
COMPUTED, CACHED = "#c8553d", "#588b8b"


def main(out: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bundle = uncalibrated(load_bundle())
        video = write_scene(sample_scene(SEED), Path(folder) / "video.mp4")
        with vllm_agent(bundle) as agent:
            first, second, other = scene_questions(SEED)[:3]
            agent.ask(video, other)  # the first time libraries warm up
            agent.forget()
            results = [agent.ask(video, question) for question in (first, second)]
    draw(results, out)


def draw(results: list[Result], out: Path) -> None:
    """One row per request: when it ran, and what of its prompt was in the cache."""
    from matplotlib import pyplot as plt

    rows = [row for number, result in enumerate(results, start=1) for row in _rows(number, result)]
    size = (11, 0.3 * len(rows) + 1.2)
    figure, (when, what) = plt.subplots(1, 2, figsize=size, sharey=True, layout="constrained", width_ratios=[1, 1.3])
    for place, row in enumerate(rows):
        usage = row.call.usage
        when.barh(place, row.seconds * 1000, left=row.began * 1000, color="#33658a")
        what.barh(place, usage.cached_tokens, color=CACHED)
        what.barh(place, usage.prompt_tokens - usage.cached_tokens, left=usage.cached_tokens, color=COMPUTED)
        note = f"{usage.cached_tokens / usage.prompt_tokens:.0%} cached, view {'encoded' if usage.encoded else 'known'}"
        what.text(usage.prompt_tokens * 1.02, place, note, va="center")
    when.set_yticks(range(len(rows)), [row.label for row in rows])
    when.invert_yaxis()
    when.set_xlabel("time in the engine, ms")
    when.set_title("when")
    what.set_xlim(right=1.45 * max(row.call.usage.prompt_tokens for row in rows))
    what.set_xlabel("tokens of the prompt")
    what.set_title("from where")
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in (CACHED, COMPUTED)]
    figure.legend(handles, ["KV from the cache", "computed"], loc="outside lower right", ncols=2)
    for axes in (when, what):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(out, dpi=120)


class _Row(NamedTuple):
    label: str
    call: RoleCall
    began: float
    seconds: float


def _rows(number: int, result: Result) -> Iterator[_Row]:
    """The calls of a question; those of one role are one batch, and run at the same time."""
    began = 0.0
    for role, batch in itertools.groupby(result.trace.calls, key=lambda call: call.role):
        calls = list(batch)
        seconds = sum(call.seconds for call in calls)
        for call in calls:
            yield _Row(f"question {number}: {role}", call, began, seconds)
        began += seconds


if __name__ == "__main__":
    main(Path(sys.argv[1]))

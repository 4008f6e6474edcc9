"""The figure of docs/vllm.md: the requests of two questions over time, and what each found in the cache.

`python -m benchmarks.reuse_figure docs/vllm.png` asks the embedded model two questions about one video on vLLM.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import matplotlib

from benchmarks.engine_reuse import benchmark_bundle, benchmark_questions, vllm_agent
from videomind.results import Result, RoleCall
from videomind.synth.video import write_scene
from videomind.synth.world import sample_scene

matplotlib.use("Agg")
SEED = 7
COMPUTED, CACHED = "#c8553d", "#588b8b"


def main(out: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bundle = benchmark_bundle()
        video = write_scene(sample_scene(SEED), Path(folder) / "video.mp4")
        with vllm_agent(bundle) as agent:
            agent.ask(video, "Is it warm?")
            agent.forget()
            results = [agent.ask(video, question) for question in benchmark_questions(SEED)[:2]]
    draw(results, out)


def draw(results: list[Result], out: Path) -> None:
    """One row per request, in the order of time; the width is its tokens."""
    from matplotlib import pyplot as plt

    calls = [(number, call) for number, result in enumerate(results, start=1) for call in result.trace.calls]
    figure, axes = plt.subplots(figsize=(9, 0.32 * len(calls) + 1.2), layout="constrained")
    for row, (_, call) in enumerate(calls):
        cached = call.usage.cached_tokens
        axes.barh(row, cached, color=CACHED)
        axes.barh(row, call.usage.prompt_tokens - cached, left=cached, color=COMPUTED)
        note = "view encoded" if call.usage.encoded else "view known"
        axes.text(
            call.usage.prompt_tokens + 8, row, f"{cached / call.usage.prompt_tokens:.0%} cached, {note}", va="center"
        )
    axes.set_yticks(range(len(calls)), [_label(number, call) for number, call in calls])
    axes.invert_yaxis()
    axes.set_xlim(right=1.35 * max(call.usage.prompt_tokens for _, call in calls))
    axes.set_xlabel("tokens of the prompt")
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in (CACHED, COMPUTED)]
    axes.legend(handles, ["KV from the cache", "computed"], loc="lower right")
    axes.set_title("Two questions about one video, request by request")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(out, dpi=120)


def _label(number: int, call: RoleCall) -> str:
    return f"question {number}: {call.role}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""What KV in 8 bits costs and saves: `python -m benchmarks.kv_formats --help`.

Questions about synthetic videos, several about each, to the embedded model with exact and with 8-bit KV. Told: bytes
that a view's KV takes, how many plans, answers and moments come out the same, by how much confidences
differ. Appends one line to `results/kv_formats.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.compared import reply_of, setup, uncalibrated
from videomind.agent import Agent
from videomind.asking import Question
from videomind.engines.torch_engine import TorchEngine
from videomind.engines.torch_options import TorchOptions
from videomind.lora_switch.bundle import load_bundle
from videomind.results import Result
from videomind.synth.questions import questions
from videomind.synth.video import write_scene
from videomind.synth.world import sample_scene

RESULTS = Path(__file__).parent / "results" / "kv_formats.jsonl"


def main() -> None:
    args = _arguments()
    found: dict[str, list[Result]] = {}
    with tempfile.TemporaryDirectory() as folder:
        asked: list[tuple[str | Path, Question]] = []
        for seed in range(args.seed, args.seed + args.videos):
            video = write_scene(sample_scene(seed), Path(folder) / f"{seed}.mp4", 112)
            texts = dict.fromkeys(one.text for one in questions(sample_scene(seed), Random(seed)) if one.query)
            asked += [(video, Question(text)) for text in texts]
        for kind in ("exact", "int8"):
            bundle = uncalibrated(load_bundle())
            with Agent(bundle, TorchEngine(bundle, "cpu", options=TorchOptions(kv_cache=kind))) as agent:
                for video, question in asked[:1]:
                    agent.ask(video, question.text)
                found[kind] = [agent.ask(video, question.text) for video, question in asked]
    line = {"benchmark": "kv_formats", "seed": args.seed, "videos": args.videos, **compare(**found), **setup()}
    print(json.dumps(line, indent=1))
    with RESULTS.open("a") as file:
        file.write(json.dumps(line) + "\n")


def compare(exact: list[Result], int8: list[Result]) -> dict[str, object]:
    """How the second differs from the first."""
    pairs = list(zip(exact, int8, strict=True))
    top = [(a.candidates[0], b.candidates[0]) for a, b in pairs if a.candidates and b.candidates]
    confidences = [abs(a.candidates[0].confidence - b.candidates[0].confidence) for a, b in pairs if a.candidates]
    return {
        "questions": len(pairs),
        "view_kv_bytes": [max(call.usage.kv_bytes for call in one[0].trace.calls) for one in (exact, int8)],
        "same_plan": _share([a.plan.reply == b.plan.reply for a, b in pairs]),
        "same_answer": _share([reply_of(a, "answerer") == reply_of(b, "answerer") for a, b in pairs]),
        "moment_off_s": _spread([max(abs(a.start - b.start), abs(a.end - b.end)) for a, b in top]),
        "confidence_off": _spread(confidences),
    }


def _share(same: list[bool]) -> float:
    return round(float(np.mean(same)), 4)


def _spread(off: list[float]) -> dict[str, float]:
    values = np.asarray(off)
    return {
        "median": round(float(np.median(values)), 6),
        "p95": round(float(np.percentile(values, 95)), 6),
        "most": round(float(values.max()), 6),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, default=40)
    parser.add_argument("--seed", type=int, default=9000, help="of the first scene")
    return parser.parse_args()


if __name__ == "__main__":
    main()

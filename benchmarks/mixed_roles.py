"""What several roles in one batch cost: `python -m benchmarks.mixed_roles --help`.

Batches of short prompts, each with a view of its own, go through the torch engine three ways: all by the base model,
all by one role, and by all four roles in turn. Nothing of the text model is at hand, visual tokens are; so what is
timed is prefill, with the adapters that the tokens ask for. Ways take turns in one run; told are ratios of medians, and
the bytes that each role adds. Appends one line to `results/mixed_roles.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np

from benchmarks.compared import arguments, setup, subject
from videomind.engines.base import RoleRequest
from videomind.engines.torch_engine import TorchEngine
from videomind.lora_switch.bundle import Bundle
from videomind.roles.spec import CELL, ROLES, View
from videomind.vision.clip import Clip, load_clip
from videomind.vision.reader import open_video

RESULTS = Path(__file__).parent / "results" / "mixed_roles.jsonl"
VIEW = View(fps=1.0, max_frames=8, min_pixels=16 * CELL, max_pixels=16 * CELL)
BASE = "nobody"
"""A role without adapter."""


def main() -> None:
    args = _arguments()
    bundle = subject(args.subject, args.work).bundle
    engine = TorchEngine(bundle, "cpu")
    adapted = [role for role in ROLES if bundle.roles[role].adapter is not None]
    rows = []
    for batch in args.batch:
        clips = [_clip(seed) for seed in range(batch)]
        ways = {"base": [BASE], "one role": adapted[:1], "four roles": list(ROLES)}
        taken: dict[str, list[float]] = {way: [] for way in ways}
        for turn in range(args.warm_up + args.repeat):
            for way, roles in ways.items():
                requests = [_request(bundle, roles[place % len(roles)], clip) for place, clip in enumerate(clips)]
                engine._text.forget()
                began = time.perf_counter()
                choices = engine.choose(requests, ["Yes"])
                if turn >= args.warm_up:  # before that visual tokens are made
                    taken[way].append(time.perf_counter() - began)
        tokens = sum(choice.usage.prompt_tokens for choice in choices)
        medians = {way: statistics.median(seconds) for way, seconds in taken.items()}
        row = {
            "requests": batch,
            "tokens": tokens,
            "seconds": {way: [round(s, 5) for s in seconds] for way, seconds in taken.items()},
            "one_role_over_base": round(medians["one role"] / medians["base"], 3),
            "four_roles_over_one": round(medians["four roles"] / medians["one role"], 3),
        }
        rows.append(row)
        print({key: value for key, value in row.items() if key != "seconds"}, flush=True)
    memory = engine.memory()
    line = {
        "benchmark": "mixed_roles",
        "subject": args.subject,
        "rows": rows,
        "memory": {"base": memory.base, "roles": memory.roles},
        **setup(),
    }
    print(f"memory: {line['memory']}")
    with RESULTS.open("a") as file:
        file.write(json.dumps(line) + "\n")


def _clip(seed: int) -> Clip:
    frames = np.random.default_rng(seed).integers(0, 256, (8, 112, 112, 3), dtype=np.uint8)
    with open_video(frames, fps=1.0) as reader:
        return load_clip(reader, VIEW)


def _request(bundle: Bundle, role: str, clip: Clip) -> RoleRequest:
    """The same words for every role, beside what an activated adapter has to be called by."""
    invocation = bundle.roles[role].spec.invocation if role in bundle.roles else None
    return RoleRequest(role, clip, f"{invocation or ''} what is there to see here", max_new_tokens=1)


def _arguments() -> argparse.Namespace:
    parser = arguments(__doc__, repeat=7)
    parser.add_argument("--batch", type=int, nargs="+", default=[4, 8, 16, 32], help="requests in a batch")
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""What reuse and batching are worth: `python -m benchmarks.engine_reuse`.

One video of the synthetic world, questions about it, three systems on the same weights in one run: the published way
(`published.py`), our torch engine, and vLLM. Timed: a first question with nothing at hand, a second one about the same
video, and sixteen questions about a video with nothing at hand (the published way and torch one after another, vLLM
all at once). All replies must be the same. Appends one line per system to `results/engine_reuse.jsonl`.

How much of the grounder's prompt is the planner's is told for the embedded model's own view, and for a view of as many
frames as the published grounder's.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks import published
from benchmarks.compared import QUESTIONS, reply_of, scene_questions, uncalibrated
from videomind.agent import Agent
from videomind.engines.base import RoleRequest
from videomind.engines.torch_engine import TorchEngine
from videomind.engines.vllm_engine import VLLMEngine
from videomind.engines.vllm_options import VLLMOptions
from videomind.lora_switch.bundle import Bundle, load_bundle
from videomind.lora_switch.vllm_plugin.versions import installed
from videomind.roles.spec import View
from videomind.synth.reader import SceneReader
from videomind.synth.video import write_scene
from videomind.synth.world import sample_scene
from videomind.vision.clip import load_clip

RESULTS = Path(__file__).parent / "results" / "engine_reuse.jsonl"
OWN_VIEW = load_bundle().roles["grounder"].spec.view
LONG_VIEW = replace(OWN_VIEW, fps=4.0, max_frames=150, min_pixels=112**2, max_pixels=112**2)
LONG_SCENE = 2
"""Seed of a scene of nearly 40 seconds."""
Ask = Callable[[Sequence[str]], list[tuple[str, str]]]
"""Answers questions about the video; gives of each the planner's reply and the answer."""


def main() -> None:
    args = _arguments()
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        bundle = uncalibrated(load_bundle())
        video = write_scene(sample_scene(args.seed), Path(folder) / "video.mp4")
        asked = scene_questions(args.seed)
        with vllm_agent(bundle) as vllm, Agent(bundle, TorchEngine(bundle, "cpu")) as ours:
            systems: dict[str, tuple[Ask, Callable[[], None]]] = {
                "published": (_published(bundle, video), lambda: None),
                "torch": (_agent(ours, video), ours.forget),
                "vllm": (_agent(vllm, video, at_once=QUESTIONS), vllm.forget),
            }
            times: dict[str, dict[str, list[float]]] = {name: {"cold": [], "second": [], "all": []} for name in systems}
            replies: dict[str, list[tuple[str, str]]] = {}
            for turn in range(1 + args.repeat):
                for name, (ask, forget) in systems.items():
                    forget()
                    _, cold = _timed(ask, asked[:1])
                    _, second = _timed(ask, asked[1:2])
                    forget()
                    replies[name], every = _timed(ask, asked)
                    if turn:  # the first time libraries warm up
                        for what, seconds in (("cold", cold), ("second", second), ("all", every)):
                            times[name][what].append(seconds)
                    print(f"turn {turn}: {name} {cold:.2f} s, {second:.2f} s, {every:.2f} s", flush=True)
            reuse = _reuse(vllm, video, asked)
    same = {name: replies[name] == replies["published"] for name in systems}
    setup = _setup(args)
    with RESULTS.open("a") as file:
        for name, taken in times.items():
            line = {"benchmark": "engine_reuse", "system": name, "identical": same[name]}
            line |= {f"{what}_s": [round(s, 4) for s in seconds] for what, seconds in taken.items()}
            file.write(json.dumps(line | (reuse if name == "vllm" else {}) | setup) + "\n")
    _show(times, reuse, same)
    if not all(same.values()):
        raise SystemExit("the replies differ")


@contextmanager
def vllm_agent(bundle: Bundle) -> Iterator[Agent]:
    with Agent(bundle, VLLMEngine(bundle, VLLMOptions(kv_cache_memory=512 << 20))) as agent:
        yield agent


def _published(bundle: Bundle, video: Path) -> Ask:
    system = published.PublishedSystem(bundle, "cpu", published.encode_masked)

    def ask(asked: Sequence[str]) -> list[tuple[str, str]]:
        found = [published.ask(system, bundle, video, question, ()) for question in asked]
        return [(one.plan, one.answer) for one in found]

    return ask


def _agent(agent: Agent, video: Path, at_once: int = 1) -> Ask:
    def one(question: str) -> tuple[str, str]:
        result = agent.ask(video, question)
        return result.plan.reply, reply_of(result, "answerer")

    def ask(asked: Sequence[str]) -> list[tuple[str, str]]:
        with ThreadPoolExecutor(at_once) as threads:
            return list(threads.map(one, asked))

    return ask


def _reuse(agent: Agent, video: Path, asked: Sequence[str]) -> dict[str, object]:
    """What vLLM reuses: in a first question role by role, in a second one, in all sixteen."""
    agent.forget()
    first, second = agent.ask(video, asked[0]), agent.ask(video, asked[1])
    agent.forget()
    with ThreadPoolExecutor(QUESTIONS) as threads:
        every = list(threads.map(lambda question: agent.ask(video, question), asked))
    views = {(call.frames, call.grid) for result in every for call in result.trace.calls}
    return {
        "planner_to_grounder": {
            name: _share(agent, view, asked[0])
            for name, view in {"own view": OWN_VIEW, "150 frames of 112 pixels": LONG_VIEW}.items()
        },
        "forwards_of_five_verifications": _verification_forwards(agent),
        "first": first.reuse,
        "second": second.reuse,
        "sixteen": {what: sum(result.reuse[what] for result in every) for what in first.reuse},
        "views": len(views),
    }


def _share(agent: Agent, view: View, question: str) -> float:
    """The part of the grounder's prompt that is taken from the planner's."""
    roles = agent.bundle.roles
    planner, grounder = roles["planner"].spec, roles["grounder"].spec
    clip = load_clip(SceneReader(sample_scene(LONG_SCENE), 112), view)
    agent.forget()
    agent.engine.generate([RoleRequest("planner", clip, planner.user_text(question), max_new_tokens=1)])
    drafted = RoleRequest("grounder", clip, grounder.user_text(question), grounder.reply_prefix, max_new_tokens=1)
    (reply,) = agent.engine.generate([drafted])
    return round(reply.usage.cached_tokens / reply.usage.prompt_tokens, 4)


def _verification_forwards(agent: Agent) -> int:
    engine, spec = agent.engine, agent.bundle.roles["verifier"].spec
    assert isinstance(engine, VLLMEngine)
    reader = SceneReader(sample_scene(LONG_SCENE), 56)
    clips = [load_clip(reader, spec.view, (start, start + 6.0)) for start in range(0, 30, 6)]
    before = engine.counted("forwards")
    engine.choose(
        [RoleRequest("verifier", clip, spec.user_text("it moves"), segment=(1, 3)) for clip in clips], ("Yes",)
    )
    return engine.counted("forwards") - before


def _timed(ask: Ask, asked: Sequence[str]) -> tuple[list[tuple[str, str]], float]:
    began = time.perf_counter()
    replies = ask(asked)
    return replies, time.perf_counter() - began


def _show(times: dict[str, dict[str, list[float]]], reuse: dict[str, object], same: dict[str, bool]) -> None:
    medians = {name: {what: statistics.median(seconds) for what, seconds in t.items()} for name, t in times.items()}
    for what in ("cold", "second", "all"):
        base = medians["published"][what]
        row = ", ".join(f"{name} {m[what]:.3f} s ({base / m[what]:.1f}x)" for name, m in medians.items())
        print(f"{what:>7}: {row}")
    print(f"identical: {same}")
    for what, found in reuse.items():
        print(f"{what}: {found}")


def _setup(args: argparse.Namespace) -> dict[str, object]:
    return {
        "seed": args.seed,
        "threads": args.threads,
        "questions": QUESTIONS,
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "torch": torch.__version__,
        "vllm": installed(),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of the torch engine")
    parser.add_argument("--repeat", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()

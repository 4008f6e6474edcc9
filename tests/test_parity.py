"""A published checkpoint, converted, gives what the published code computed (float32, CPU).

Tolerances: spans within 1e-3 of the duration (they agree to the last bit but for float noise before rounding),
confidences within 1e-4, verifier scores within 1e-5 (a segment token one frame pair off moves them by as little as
2e-5 here), replies and ranks identical.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from videomind.agent import Agent
from videomind.lora_switch.convert import convert
from videomind.lora_switch.prompts import read_prompts
from videomind.results import Result, RoleCall

pytestmark = pytest.mark.slow
SAMPLES = 4
VLLM = (pytest.mark.vllm, pytest.mark.filterwarnings("ignore"))  # its own warnings are not ours


@pytest.fixture(scope="module")
def converted(parity_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("converted") / "model"
    return convert(parity_dir / "model", out, read_prompts(parity_dir / "prompts.json"), parity_dir / "base")


@pytest.fixture(
    scope="module",
    params=[("torch", False), ("torch", True), pytest.param(("vllm", False), marks=VLLM)],
    ids=["torch", "compat", "vllm"],
)
def samples(converted: Path, parity_dir: Path, request: pytest.FixtureRequest) -> list[tuple[dict[str, Any], Result]]:
    """What the published code gave for each question, and what one engine of ours gives."""
    engine, compat = request.param
    found = []
    with Agent.from_pretrained(converted, engine=engine, dtype="float32", compat=compat) as agent:
        for expected in json.loads((parity_dir / "expected.json").read_text())[:SAMPLES]:
            question, options = expected.get("question", expected["query"]), expected.get("options")
            video = parity_dir / expected["video_path"]
            found.append((expected, agent.ask(video, question, options=options, roles=expected["agents"])))
    return found


@pytest.fixture(params=range(SAMPLES))
def sample(
    samples: list[tuple[dict[str, Any], Result]], request: pytest.FixtureRequest
) -> tuple[dict[str, Any], Result]:
    """One question with both results."""
    return samples[request.param]


def calls(result: Result, role: str) -> list[RoleCall]:
    return [call for call in result.trace.calls if call.role == role]


def test_replies_are_identical(sample: tuple[dict[str, Any], Result]) -> None:
    expected, result = sample
    assert calls(result, "planner")[0].reply == expected["planner_response"]
    assert calls(result, "grounder")[0].reply == expected["grounder_response"]
    if "answerer" in expected["agents"]:
        assert calls(result, "answerer")[0].reply == expected["answerer_response"]
    assert result.query == expected.get("planner_parsed_query", result.question)


def test_candidates_of_the_grounder(sample: tuple[dict[str, Any], Result]) -> None:
    expected, result = sample
    assert len(result.trace.grounded) == len(expected["pred_ori"])
    for candidate, span, confidence in zip(
        result.trace.grounded, expected["pred_ori"], expected["conf_ori"], strict=True
    ):
        assert [candidate.start, candidate.end] == pytest.approx(span, abs=1e-3 * expected["duration"])
        assert candidate.confidence == pytest.approx(confidence, abs=1e-4)


def test_verifier_scores_and_ranking(sample: tuple[dict[str, Any], Result]) -> None:
    expected, result = sample
    assert [call.score for call in calls(result, "verifier")] == pytest.approx(expected["probs"], abs=1e-5)
    ranked = [result.trace.grounded[i] for i in expected["ranks"]]
    assert [(c.start, c.end, c.confidence) for c in result.candidates[: len(ranked)]] == [
        (c.start, c.end, c.confidence) for c in ranked
    ]


def test_drafted_and_generated_grounding_are_the_same(converted: Path, parity_dir: Path) -> None:
    found = []
    for compat in (False, True):
        with Agent.from_pretrained(converted, device="cpu", compat=compat) as agent:
            found.append(agent.find(parity_dir / "b.mp4", "a ball rolls from left to right").trace)
    draft, generated = found
    assert draft.calls[0].reply == generated.calls[0].reply == "The relevant moment happens in <|reg|>."
    for a, b in zip(draft.grounded, generated.grounded, strict=True):
        assert (a.start, a.end, a.confidence) == pytest.approx((b.start, b.end, b.confidence), abs=2e-3)

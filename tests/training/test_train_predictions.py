"""A verifier taught by the mistakes of the model's own grounder."""

import json
from pathlib import Path

import pytest

from tests import tiny
from tests.training.school import VIEW, run, settings
from videomind.agent import Agent
from videomind.engines.torch_engine import TorchEngine
from videomind.errors import InputError
from videomind.lora_switch.bundle import load_bundle
from videomind.training.predictions import Key, Predictions, as_verifying, predict
from videomind.training.records import GroundingRecord, VerifyingRecord, overlaps
from videomind.training.sources import SourceConfig, read_sources


@pytest.fixture(scope="module")
def talker(tmp_path_factory: pytest.TempPathFactory, school: Path, bare_base: Path) -> Path:
    """A model whose grounder says its reply, so that it localises something."""
    out = tmp_path_factory.mktemp("talker") / "out"
    role = VIEW | {"reply_prefix": "<|reg|>"}
    run(settings(school, out, base=bare_base, max_steps=40, epochs=40, learning_rate=2e-2, role=role), "grounder")
    return out


def test_a_verifier_learns_from_predictions(talker: Path, school: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    config = settings(school, out, model=talker, from_predictions=True, role=VIEW, max_steps=2)
    assert run(config, "verifier").ending == "done"
    lines = [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]
    assert [line["place"] for line in lines] == [f"line {n}" for n in range(1, 7)]
    with Agent.from_pretrained(talker) as agent:
        found = agent.find(school / "0.mp4", "it is bright", top_k=5).candidates
    assert lines[0]["candidates"] == [
        pytest.approx([one.start, one.end, one.confidence], abs=1e-3)
        for one in sorted(found, key=lambda one: -one.confidence)
    ]
    assert set(load_bundle(out).roles) == {"grounder", "verifier", "answerer"}


def test_predictions_are_made_once_and_labelled_by_overlap(talker: Path, school: Path, tmp_path: Path) -> None:
    sets = read_sources([SourceConfig(path=school)], "grounder", None)
    bundle, made = load_bundle(talker), []

    def engine() -> TorchEngine:
        made.append(1)
        return TorchEngine(bundle, "cpu")

    spec, kept, steps = bundle.roles["grounder"].spec, Predictions(tmp_path / "kept.jsonl"), list[int]()
    predict(sets, spec, engine, kept, steps.append)
    with (tmp_path / "kept.jsonl").open("a") as file:
        file.write('{"set": 0, "pla')  # the run was killed here
    again = Predictions(tmp_path / "kept.jsonl")
    assert again.known == kept.known
    predict(sets, spec, engine, again, steps.append)
    assert (len(made), sum(steps)) == (1, 12)

    (verifying,) = as_verifying(sets, again)
    assert verifying.role == "verifier"
    for placed in verifying.placed:
        record = placed.record
        truth = next(one.record for one in sets[0].placed if one.place == placed.place)
        assert isinstance(record, VerifyingRecord)
        assert isinstance(truth, GroundingRecord)
        assert record.label == overlaps(record.candidate, truth.spans)
        assert record.candidate in [(start, end) for start, end, _ in again.known[Key(0, placed.place)][:5]]


def test_a_model_without_grounder_cannot_predict(school: Path, tmp_path: Path) -> None:
    model = tiny.write_bundle(tmp_path / "model", roles=("planner", "answerer"))
    config = settings(school, tmp_path / "out", model=model, from_predictions=True)
    with pytest.raises(InputError, match="has no grounder to predict with"):
        run(config, "verifier")

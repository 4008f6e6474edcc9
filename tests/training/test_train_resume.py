"""A run that was killed or stopped goes on as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.training.school import VIEW, losses, run, settings
from videomind.errors import DataError, EngineError, InputError
from videomind.lora_switch.bundle import load_bundle
from videomind.training.checkpoints import newest, remove_broken
from videomind.training.config import TrainConfig

TOLERANCE = 1e-4
"""Relative; the same machine gives the same bits, but the runs may use different numbers of threads."""


def config(school: Path, out: Path, base: Path, **changes: object) -> TrainConfig:
    usual = {"max_steps": 12, "epochs": 20, "save_steps": 3, "role": VIEW, "method": {"rank": 4, "dropout": 0.1}}
    return settings(school, out, base=base, **usual | {"schedule": "cosine"} | changes)


@pytest.fixture(scope="module")
def undisturbed(school: Path, bare_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    run(config(school, out, bare_base), "grounder")
    return out


def as_toml(settings_: TrainConfig) -> str:
    """The settings as a config file."""
    given = settings_.model_dump(mode="json", exclude_none=True)
    role, method = given.pop("role"), given.pop("method")
    given["data"] = [one["path"] for one in given["data"]]
    for name in ("filters", "eval_data"):
        del given[name]
    del method["options"]
    parts = [given, {"role": role}, {"method": method}]
    lines = [f"{key} = {json.dumps(value)}" for key, value in parts[0].items()]
    for part in parts[1:]:
        for name, section in part.items():
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in section.items())]
    return "\n".join(lines)


def wait_for_lines(path: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(3000):
        if path.is_file() and len(path.read_text().splitlines()) >= count:
            return
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)
    raise AssertionError("it never came so far")


def test_after_kill_9_the_losses_are_those_of_an_undisturbed_run(
    school: Path, bare_base: Path, tmp_path: Path, undisturbed: Path
) -> None:
    out = tmp_path / "out"
    settings_ = config(school, out, bare_base)
    (tmp_path / "run.toml").write_text(as_toml(settings_))
    command = [sys.executable, "-m", "videomind.cli", "train", "grounder", "--config", str(tmp_path / "run.toml")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    wait_for_lines(out / "metrics.jsonl", 5, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    remove_broken(out / "checkpoints")
    kept = newest(out / "checkpoints")
    assert kept is not None
    reached = len(losses(out))
    assert reached < 12
    assert reached - int(kept.name.rpartition("-")[2]) <= 3, "more than one interval is lost"

    outcome = run(settings_, "grounder")
    assert (outcome.ending, outcome.step) == ("done", 12)
    for name in ("loss", "reply", "focal", "offset", "contrast", "learning_rate"):
        assert losses(out, name) == pytest.approx(losses(undisturbed, name), rel=TOLERANCE, abs=1e-7)
    ours, theirs = (load_file(one / "grounder" / "adapter_model.safetensors") for one in (out, undisturbed))
    for name, tensor in theirs.items():
        torch.testing.assert_close(ours[name], tensor, rtol=1e-3, atol=1e-5)


def test_ctrl_c_saves_and_the_same_call_goes_on(
    school: Path, bare_base: Path, tmp_path: Path, undisturbed: Path
) -> None:
    out = tmp_path / "out"

    def press() -> None:
        while not (out / "metrics.jsonl").is_file() or len(losses(out)) < 4:
            time.sleep(0.005)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    outcome = run(config(school, out, bare_base, save_steps=None), "grounder")
    thread.join()
    assert outcome.ending == "interrupted"
    assert 4 <= outcome.step < 12
    assert newest(out / "checkpoints") == out / "checkpoints" / f"checkpoint-{outcome.step}"
    assert not (out / "videomind.json").exists()
    run(config(school, out, bare_base, save_steps=None), "grounder")
    assert losses(out) == pytest.approx(losses(undisturbed), rel=TOLERANCE)


def test_checkpoints_hold_only_what_is_trained(school: Path, bare_base: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(config(school, out, bare_base, minutes=1e-9), "grounder")
    (checkpoint,) = (out / "checkpoints").iterdir()
    trained = load_file(checkpoint / "trained.safetensors")
    assert {name.partition("/")[0] for name in trained} == {"adapter", "decoder", "rows"}
    assert not any("base_layer" in name for name in trained)


def test_time_that_is_up_leaves_a_model_and_more_time_goes_on(
    school: Path, bare_base: Path, tmp_path: Path, undisturbed: Path
) -> None:
    out = tmp_path / "out"
    outcome = run(config(school, out, bare_base, minutes=1e-9), "grounder")
    assert (outcome.ending, outcome.step) == ("minutes", 1)
    assert "grounder" in load_bundle(out).roles
    outcome = run(config(school, out, bare_base, minutes=10), "grounder")
    assert (outcome.ending, outcome.step) == ("done", 12)
    assert losses(out) == pytest.approx(losses(undisturbed), rel=TOLERANCE)
    assert run(config(school, out, bare_base, minutes=10), "grounder").ending == "before"


def test_a_run_that_was_killed_over_writing_its_model_only_writes_it(
    school: Path, bare_base: Path, tmp_path: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("videomind.training.run.write_model", lambda *_: sys.exit(1))
        with pytest.raises(SystemExit):
            run(config(school, out, bare_base), "grounder")
    assert not (out / "videomind.json").exists()
    assert run(config(school, out, bare_base), "grounder").ending == "done"
    assert len(losses(out)) == 12
    ours, theirs = (load_file(one / "grounder" / "embeddings.safetensors") for one in (out, undisturbed))
    torch.testing.assert_close(ours["lm_head.rows"], theirs["lm_head.rows"], rtol=1e-3, atol=1e-5)


def test_a_half_written_checkpoint_counts_for_nothing(tmp_path: Path) -> None:
    for step in (3, 12):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "optimizer.pt").touch()
    (tmp_path / "checkpoint-3" / "complete.json").write_text('{"seconds": 1.0}')
    assert newest(tmp_path) == tmp_path / "checkpoint-3"
    remove_broken(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-3"]


def test_another_run_is_not_overwritten(school: Path, bare_base: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(config(school, out, bare_base, max_steps=1), "grounder")
    with pytest.raises(InputError, match=r"max_steps 2 instead of 1.*--restart"):
        run(config(school, out, bare_base, max_steps=2), "grounder")
    with pytest.raises(InputError, match=r"role.name 'planner' instead of 'grounder'"):
        run(config(school, out, bare_base, max_steps=1), "planner")
    (out / "mine.txt").touch()
    outcome = run(config(school, out, bare_base, max_steps=2), "planner", restart=True)
    assert outcome.ending == "done"
    assert set(load_bundle(out).roles) == {"planner", "answerer"}
    assert (out / "mine.txt").exists()
    assert not (out / "grounder").exists()


def test_a_folder_with_something_else_in_it_is_left_alone(school: Path, bare_base: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    with pytest.raises(InputError, match="holds something that is no training run"):
        run(config(school, tmp_path / "out", bare_base), "grounder", restart=True)


def test_two_small_batches_make_one_big_step(school: Path, bare_base: Path, tmp_path: Path) -> None:
    usual = {"max_steps": 5, "epochs": 20, "method": {"rank": 4}, "max_grad_norm": 0.5}
    for name, sizes in (("big", {"batch_size": 4}), ("small", {"batch_size": 2, "accumulate": 2})):
        run(config(school, tmp_path / name, bare_base, **usual | sizes), "planner")
    assert losses(tmp_path / "small") == pytest.approx(losses(tmp_path / "big"), rel=1e-4)
    norms = losses(tmp_path / "small", "grad_norm")
    assert norms == pytest.approx(losses(tmp_path / "big", "grad_norm"), rel=1e-3)


def test_checkpointed_activations_change_nothing(school: Path, bare_base: Path, tmp_path: Path) -> None:
    method = {"name": "alora", "rank": 4}
    for name, on in (("plain", False), ("checkpointed", True)):
        run(
            config(school, tmp_path / name, bare_base, method=method, max_steps=4, gradient_checkpointing=on),
            "verifier",
        )
    assert losses(tmp_path / "checkpointed") == pytest.approx(losses(tmp_path / "plain"), rel=1e-4)
    assert losses(tmp_path / "plain")[-1] < losses(tmp_path / "plain")[0]


def test_videos_that_cannot_be_read_end_the_run_in_one_line(bare_base: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    (tmp_path / "grounding.jsonl").write_text('{"video": "broken.mp4", "query": "it", "spans": []}\n')
    with pytest.raises(DataError, match="none of its 1 records can be used") as caught:
        run(config(tmp_path, tmp_path / "out", bare_base, workers=1), "grounder")
    assert "\n" not in str(caught.value)
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("method", ["lora", "alora"])
def test_half_precision_learns_too(method: str, school: Path, bare_base: Path, tmp_path: Path) -> None:
    changes = {"max_steps": 5, "learning_rate": 1e-2, "method": {"name": method, "rank": 8}}
    run(config(school, tmp_path / "out", bare_base, precision="bfloat16", **changes), "verifier")
    seen = losses(tmp_path / "out")
    assert seen[-1] < 0.7 * seen[0]
    kept = load_file(tmp_path / "out" / "verifier" / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in kept.values()} == {torch.float32}


def test_a_loss_that_is_no_number_ends_the_run(school: Path, bare_base: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="lower --learning-rate"):
        run(
            config(
                school,
                tmp_path / "out",
                bare_base,
                learning_rate=0.9,
                max_grad_norm=1e9,
                schedule="constant",
                decoder_learning_rate=0.9,
            ),
            "grounder",
        )

"""Two processes share the work as `torchrun` starts them."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.school import VIEW, losses, run, settings
from tests.training.test_train_resume import as_toml
from videomind.lora_switch.bundle import load_bundle


@pytest.mark.slow
@pytest.mark.parametrize("role", ["verifier", "grounder"])
def test_two_processes_learn_what_one_learns_with_twice_the_batch(
    role: str, school: Path, bare_base: Path, tmp_path: Path
) -> None:
    usual = {"base": bare_base, "role": VIEW, "max_steps": 3, "save_steps": 2, "eval_data": [str(school)]}
    alone = settings(school, tmp_path / "alone", batch_size=2, **usual)
    shared = settings(school, tmp_path / "shared", batch_size=1, **usual)
    (tmp_path / "run.toml").write_text(as_toml(shared) + "\n")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "videomind.cli", "train", role, "--config", str(tmp_path / "run.toml")]
    command += ["--eval-data", str(school)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-2000:]
    assert result.stdout.count("next: videomind ask") == 1
    assert len(losses(shared.out)) == 3
    assert role in load_bundle(shared.out).roles
    if role == "verifier":  # the grounder's decoder drops branches at random
        run(alone, role)
        assert losses(shared.out) == pytest.approx(losses(alone.out), rel=1e-4)
        assert losses(shared.out, "reply") == pytest.approx(losses(alone.out, "reply"), rel=1e-4)
        assert losses(shared.out, "eval_loss") == pytest.approx(losses(alone.out, "eval_loss"), rel=1e-3)

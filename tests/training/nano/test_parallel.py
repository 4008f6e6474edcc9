"""Two processes that work together take the mean of their gradients and agree on the clock."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch

from videomind.training.nano.parallel import agree, average_gradients, rank, run_apart, run_together


def _work(folder: Path) -> None:
    used, unused = torch.nn.Parameter(torch.zeros(3)), torch.nn.Parameter(torch.zeros(2))
    (used * (1.0 + 2 * rank())).sum().backward()
    average_gradients([used, unused])
    (folder / str(rank())).write_text(f"{used.grad.tolist() if used.grad is not None else None} {agree(rank() + 5.0)}")


def _note(path: Path) -> None:
    path.write_text("done")


def test_alone_nothing_changes(tmp_path: Path) -> None:
    run_together(partial(_work, tmp_path), workers=1)
    assert (tmp_path / "0").read_text() == "[1.0, 1.0, 1.0] 5.0"


@pytest.mark.slow
def test_together_gradients_are_averaged(tmp_path: Path) -> None:
    run_together(partial(_work, tmp_path), workers=2)
    assert [(tmp_path / name).read_text() for name in "01"] == ["[2.0, 2.0, 2.0] 5.0"] * 2


@pytest.mark.slow
def test_works_apart_are_all_done(tmp_path: Path) -> None:
    run_apart([partial(_note, tmp_path / name) for name in "abc"], workers=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]

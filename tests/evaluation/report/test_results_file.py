"""`results.json`: what goes in comes out, and what cannot be read is said."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.evaluation.report.made_up import BEGAN, results
from videomind.errors import DataError
from videomind.evaluation.results_file import (
    Circumstances,
    Digest,
    digest_of,
    package_versions,
    read_results,
    results_of,
    write_results,
)
from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring.score import score
from videomind.evaluation.tasks import task

HOW = Circumstances(
    model=Digest(name="nano", sha256="a" * 64),
    annotations=Digest(name="questions.jsonl", sha256="b" * 64),
    engine="torch",
    command=["videomind", "eval", "run"],
    started=BEGAN,
    finished=BEGAN + timedelta(minutes=1),
    seconds=4.0,
    limit=3,
)


def test_scores_become_results_and_come_back_as_they_were(tmp_path: Path) -> None:
    samples = [Sample(f"{n}", (f"{n}.mp4",), "a dog", spans=((0.0, 1.0 + n),)) for n in range(3)]
    scores = score(task("jsonl").variants, samples, [Prediction("0", ((0.0, 1.0),)), Prediction("1", failed=True)])
    made = results_of(task("jsonl"), "all", scores, HOW)
    write_results(made, tmp_path)
    found = read_results(tmp_path)
    assert found == made
    assert (found.n, found.missing, found.failed, found.limit) == (3, 1, 1, 3)
    assert found.samples_per_second == 0.5  # two samples have a prediction, in four seconds
    assert found.variants["fixed"]["mIoU"] == scores.variants["fixed"].metrics["mIoU"] == pytest.approx(100 / 3)
    assert found.intervals["fixed"]["mIoU"] == scores.variants["fixed"].intervals["mIoU"]
    assert found.started == BEGAN
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_the_versions_are_of_what_is_installed() -> None:
    found = package_versions()
    assert {"videomind-agent", "torch", "numpy"} <= found.keys()
    assert "no-such-package" not in found


def test_what_is_no_number_is_null(tmp_path: Path) -> None:
    write_results(results(variants={"fixed": {"mIoU": float("nan")}}), tmp_path)
    assert json.loads((tmp_path / "results.json").read_text())["variants"]["fixed"]["mIoU"] is None
    assert read_results(tmp_path).variants["fixed"]["mIoU"] is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "finish the run"),
        ("{", "Invalid JSON"),
        ("[]", "must be a JSON object"),
        ('{"format": 2}', "format"),
        (results().model_dump_json().replace('"n":6', '"n":-1'), "n: must be greater than or equal to 0"),
        (results().model_dump_json().replace('"n":6,', ""), "n: this key is missing"),
    ],
)
def test_what_cannot_be_read_is_said(content: str | None, problem: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    with pytest.raises(DataError, match=problem):
        read_results(tmp_path)


def test_the_digest_of_a_file_is_its_sha256(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"some bytes")
    assert digest_of(path) == Digest(name="a.json", sha256=hashlib.sha256(b"some bytes").hexdigest())


def test_the_digest_of_a_folder_is_of_names_and_contents(tmp_path: Path) -> None:
    def folder(name: str, files: dict[str, str]) -> Digest:
        for path, text in files.items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_text(text)
        return digest_of(tmp_path / name)

    first = folder("first", {"a": "1", "sub/b": "2"})
    assert first.name == "first"
    assert folder("same", {"sub/b": "2", "a": "1", ".cache/c": "3"}).sha256 == first.sha256
    assert folder("content", {"a": "1", "sub/b": "3"}).sha256 != first.sha256
    assert folder("renamed", {"a": "1", "sub/c": "2"}).sha256 != first.sha256


def test_a_missing_folder_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        digest_of(tmp_path / "none")

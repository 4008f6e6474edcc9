"""`videomind calibrate`, on a model that finds noise in noise."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import Videomind
from videomind.agent import Agent
from videomind.lora_switch.bundle import NANO, load_bundle
from videomind.results import Candidate
from videomind.synth.video import write_video


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three videos of noise, twelve seconds each."""
    folder = tmp_path_factory.mktemp("videos")
    for seed in range(3):
        noise = np.random.default_rng(seed).integers(0, 256, (24, 84, 84, 3), dtype=np.uint8)
        write_video(list(noise), folder / f"{seed}.mp4", fps=2.0)
    return folder


@pytest.fixture(scope="module")
def records(videos: Path, finder_bundle: Path) -> list[dict[str, Any]]:
    """Two queries a video: one whose moment is what the model finds third, one that never happens."""
    with Agent.from_pretrained(finder_bundle, device="cpu") as agent:
        third = [agent.find(videos / f"{n}.mp4", "a dog", every=True).trace.grounded[2] for n in range(3)]
    return [
        record
        for number, candidate in enumerate(third)
        for record in (
            {"video": f"{number}.mp4", "query": "a dog", "spans": [span(candidate)]},
            {"video": f"{number}.mp4", "query": "a cat", "spans": []},
        )
    ]


def span(candidate: Candidate) -> list[float]:
    return [candidate.start, candidate.end]


@pytest.fixture
def model(finder_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finder_bundle, tmp_path / "model"))


def write(records: list[dict[str, Any]], path: Path) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_the_rules_go_into_the_manifest_and_their_quality_to_stdout(
    videomind: Videomind, model: Path, videos: Path, records: list[dict[str, Any]], tmp_path: Path
) -> None:
    data = write(records, tmp_path / "held-out.jsonl")
    code, stdout, _ = videomind("calibrate", model, "--data", data, "--videos", videos)
    report = json.loads(stdout)
    assert code == 0
    assert (report["queries"], report["never_happening"], report["skipped"]) == (6, 3, 0)
    for rule in ("presence", "moment"):
        for quality in (report["rules"][rule]["grounder alone"], report["rules"][rule]["with verifier"]):
            assert 0 <= quality["auc"] <= 1
            assert quality["rows"] > quality["positive"] > 0
    calibration = load_bundle(model).calibration
    assert calibration is not None
    assert (calibration.fitted_on, calibration.queries) == ("held-out.jsonl", 6)
    assert report["calibration"]["verified"]["presence"]["threshold"] == calibration.verified.presence.threshold
    _, stdout, _ = videomind("find", videos / "0.mp4", "a dog", "--model", model)
    assert json.loads(stdout)["presence"] is not None


def test_a_copy_is_calibrated_where_one_is_asked_for(
    videomind: Videomind, model: Path, videos: Path, records: list[dict[str, Any]], tmp_path: Path
) -> None:
    data = write(records, videos / "records.jsonl")  # beside the videos: --videos is not needed
    code, stdout, _ = videomind("calibrate", model, "--data", data, "--out", tmp_path / "new")
    assert (code, json.loads(stdout)["model"]) == (0, str(tmp_path / "new"))
    assert load_bundle(model).calibration is None
    assert load_bundle(tmp_path / "new").calibration is not None


def test_what_cannot_be_used_is_told_and_counted(
    videomind: Videomind, model: Path, videos: Path, records: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "videos").mkdir()
    for path in videos.glob("*.mp4"):
        shutil.copy(path, tmp_path / "videos")
    (tmp_path / "videos" / "broken.mp4").write_text("no video")
    odd = [{"video": "broken.mp4", "query": "a dog", "spans": []}, {"video": "none.mp4", "query": "a dog", "spans": []}]
    data = write([*records, *odd], tmp_path / "records.jsonl")
    code, stdout, stderr = videomind("calibrate", model, "--data", data, "--videos", tmp_path / "videos")
    assert (code, json.loads(stdout)["skipped"], json.loads(stdout)["queries"]) == (0, 2, 6)
    told = "".join(stderr.split())
    assert "line7isskipped" in told
    assert "line8isskipped" in told


def test_what_is_missing_to_fit_is_said_and_nothing_is_written(
    videomind: Videomind, model: Path, videos: Path, records: list[dict[str, Any]], tmp_path: Path
) -> None:
    before = (model / "videomind.json").read_bytes()
    data = write([record for record in records if record["spans"]], tmp_path / "records.jsonl")
    code, stdout, stderr = videomind("calibrate", model, "--data", data, "--videos", videos)
    assert (code, stdout) == (2, "")
    assert "queries that never do (spans: [])" in stderr.splitlines()[-1]
    assert (model / "videomind.json").read_bytes() == before


def test_what_cannot_be_written_is_refused_before_any_work(videomind: Videomind, model: Path, tmp_path: Path) -> None:
    for args, problem in [
        ([NANO, "--data", "none.jsonl"], "the embedded model"),
        ([model, "--data", "none.jsonl", "--out", model], "is not empty"),
        ([model, "--data", tmp_path / "none.jsonl"], "none.jsonl"),
        ([tmp_path / "none", "--data", "none.jsonl"], "none"),
    ]:
        code, stdout, stderr = videomind("calibrate", *args)
        assert (code, stdout) == (2, "")
        assert problem in stderr
        assert stderr.startswith("error: ")


def test_without_a_video_that_can_be_read_there_is_nothing_to_fit(
    videomind: Videomind, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.mp4").write_text("no video")
    data = write([{"video": "broken.mp4", "query": "a dog", "spans": []}], tmp_path / "records.jsonl")
    code, stdout, stderr = videomind("calibrate", model, "--data", data)
    assert (code, stdout) == (2, "")
    assert "no record can be used (1 broken video)" in stderr.splitlines()[-1]

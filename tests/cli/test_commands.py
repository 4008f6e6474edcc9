"""The commands end to end, on a real video with a tiny model that has learned nothing."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Videomind
from videomind.synth.video import write_video
from videomind.vision.reader import open_video

RESULT_KEYS = {
    "video": {"path", "duration", "fps", "width", "height"},
    "plan": {"roles", "reply", "parsed"},
    "moment": {"start", "end", "confidence", "verified", "probability"},
    "answer": {"text", "option"},
}


def test_ask_gives_json_on_stdout_and_progress_on_stderr(
    videomind: Videomind, grey_video: Path, tiny_bundle: Path
) -> None:
    code, stdout, stderr = videomind("ask", grey_video, "What happens?", "--model", tiny_bundle, "--device", "cpu")
    result = json.loads(stdout)
    assert list(result) == [
        *(
            "video",
            "question",
            "query",
            "plan",
            "candidates",
            "moments",
            "answer",
            "timings",
            "model",
            "engine",
            "presence",
            "moment",
            "reuse",
        )
    ]
    for key, keys in RESULT_KEYS.items():
        assert set(result[key]) == keys
    assert (code, result["question"], result["model"]) == (0, "What happens?", "tiny")
    assert [line.split()[0] for line in stderr.splitlines() if line[0].isalpha()][-1] == "answerer"


@pytest.mark.parametrize("command", ["ask", "find"])
def test_a_long_video_can_be_looked_through_as_one_wants(
    videomind: Videomind, tiny_bundle: Path, tmp_path: Path, command: str
) -> None:
    frames = [np.full((56, 56, 3), 5 * i, dtype=np.uint8) for i in range(24)]
    video, trace = write_video(frames, tmp_path / "slow.mp4", fps=1.0), tmp_path / "trace.json"
    seen = {}
    for long in ("auto", "windows"):
        given = ["--long", long, "--trace", trace, "--model", tiny_bundle]
        videomind(command, video, "What happens?", *given)
        calls = json.loads(trace.read_text())["calls"]
        seen[long] = [call["span"] for call in calls if call["role"] == "grounder"]
    assert seen == {"auto": [[0, 24]], "windows": [[0, 16], [8, 24]]}
    assert videomind(command, video, "What happens?", "--long", "no", "--model", tiny_bundle)[0] == 2


def test_multiple_choice_with_subtitles_and_a_trace(
    videomind: Videomind, grey_video: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    subtitles = tmp_path / "grey.srt"
    subtitles.write_text("1\n00:00:00,500 --> 00:00:01,500\nHello there.\n")
    trace = tmp_path / "trace.json"
    files = ["--subtitles", subtitles, "--trace", trace]
    options = ["--option", "it fades", "--option", "it glows"]
    code, _, stderr = videomind("ask", grey_video, "What happens?", *options, *files, "--model", tiny_bundle)
    calls = json.loads(trace.read_text())["calls"]
    assert code == 0
    assert str(trace) in stderr
    assert calls[-1]["role"] == "answerer"
    assert "0.5s - 1.5s, Hello there." in calls[-1]["prompt"]
    assert "(A) It fades\n(B) It glows" in calls[-1]["prompt"]


def test_roles_can_be_switched_off(videomind: Videomind, grey_video: Path, tiny_bundle: Path) -> None:
    _, stdout, _ = videomind("ask", grey_video, "What?", "--roles", "grounder", "--model", tiny_bundle)
    result = json.loads(stdout)
    assert (result["plan"]["roles"], result["answer"]) == (["grounder"], None)


@pytest.mark.parametrize("top_k", [1, 3])
def test_find_gives_the_best_candidates_but_says_when_they_are_guesses(
    videomind: Videomind, grey_video: Path, tiny_bundle: Path, top_k: int
) -> None:
    code, stdout, _ = videomind("find", grey_video, "it glows", "--top-k", str(top_k), "--model", tiny_bundle)
    result = json.loads(stdout)
    assert (code, len(result["candidates"]), result["answer"]) == (1, top_k, None)  # a random model finds nothing
    assert result["moment"] == result["candidates"][0]
    assert 0 <= result["moment"]["start"] <= result["moment"]["end"] <= result["video"]["duration"]


def test_doctor_reports_versions_video_support_and_memory(videomind: Videomind, tiny_bundle: Path) -> None:
    code, stdout, _ = videomind("doctor", "--model", tiny_bundle, "--device", "cpu")
    report = json.loads(stdout)
    size = report["model"]["bytes"]
    assert (code, report["video"], report["device"][:3]) == (0, "works", "cpu")
    assert report["versions"]["torch"].startswith("2.")
    assert set(size["roles"]) == {"planner", "grounder", "verifier", "answerer"}
    assert size["roles"]["verifier"]["embeddings"] > 0
    parts = [count for role in size["roles"].values() for count in role.values()]
    assert size["total"] == size["base"] + sum(parts) > size["base"]


def test_a_published_checkpoint_is_converted_and_asked(
    videomind: Videomind, parity_dir: Path, grey_video: Path, tmp_path: Path
) -> None:
    out = tmp_path / "model"
    sources = ["--prompts", parity_dir / "prompts.json", "--base", parity_dir / "base"]
    assert videomind("convert", parity_dir / "model", out, *sources)[:2] == (0, f"{out}\n")
    assert videomind("ask", grey_video, "What happens?", "--model", out)[0] == 0
    code, _, stderr = videomind("convert", parity_dir / "model", out, *sources)
    assert (code, stderr) == (2, f"error: {out} is not empty; give a new folder\n")


def test_a_model_with_a_notice_says_what_it_is_for(
    videomind: Videomind, grey_video: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    model = Path(shutil.copytree(tiny_bundle, tmp_path / "model"))
    manifest = json.loads((model / "videomind.json").read_text())
    (model / "videomind.json").write_text(json.dumps(manifest | {"notice": "knows only [noise]"}))
    _, stdout, stderr = videomind("find", grey_video, "it glows", "--model", model)
    assert stderr.startswith("note: knows only [noise]\n")
    assert "noise" not in stdout


def test_an_empty_answer_and_no_moment_is_exit_code_1(videomind: Videomind, parity_dir: Path, tmp_path: Path) -> None:
    model, sources = (
        tmp_path / "model",
        ["--prompts", parity_dir / "prompts.json", "--base", parity_dir / "base"],
    )
    videomind("convert", parity_dir / "model", model, *sources)
    options = ["--option", "it stops", "--option", "it turns left", "--option", "it jumps"]
    question = "What did the round thing do after it passed the green area?"
    code, stdout, _ = videomind(
        "ask", parity_dir / "a.mp4", question, *options, "--roles", "answerer", "--model", model
    )
    result = json.loads(stdout)
    assert (code, result["moment"], result["answer"]) == (1, None, {"text": "", "option": None})


def test_clip_and_figure_of_the_moment_are_written(
    videomind: Videomind, grey_video: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    clip, plot = tmp_path / "moment.mp4", tmp_path / "moment.png"
    code, stdout, stderr = videomind(
        "find", grey_video, "it glows", "--save-clip", clip, "--plot", plot, "--model", tiny_bundle
    )
    assert code == 1  # a random model localises nothing: the clip shows its guess
    assert stderr.endswith(f"clip: {clip}\nplot: {plot}\n")
    moment = json.loads(stdout)["moment"]
    with open_video(clip) as reader:
        assert reader.duration == pytest.approx(max(1.0, moment["end"] - moment["start"]), abs=0.35)
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in tmp_path.iterdir()} == {"moment.mp4", "moment.png"}

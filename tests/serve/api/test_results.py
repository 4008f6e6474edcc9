"""Results and their evidence, made from stored turns and the stored video."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.serve.api.stored import OTHER, empty, open_api, store_turn, store_video
from tests.vision.media import numbers_of, write_video
from videomind.results import Answer, Candidate, Plan, Result, RoleCall, Trace, VideoInfo
from videomind.serve.asked import Ask
from videomind.serve.services import Services
from videomind.serve.state import State
from videomind.serve.store.conversations import Turn, TurnState
from videomind.serve.store.library import VideoFile
from videomind.vision.reader import open_video
from videomind.vision.subtitles import load_subtitles
from videomind.wire import result_from_json

MOMENT, OTHER_PLACE = Candidate(1.0, 2.5, 0.8, 0.7, 0.93), Candidate(3.0, 4.0, 0.2, 0.1, 0.05)
RESULT = Result(
    video=VideoInfo("film.mp4", 4.0, 10.0, 128, 96),
    question="When do the bars turn white?",
    query="the bars turn white",
    plan=Plan(("grounder", "verifier", "answerer"), "", True),
    candidates=(MOMENT, OTHER_PLACE),
    moments=(MOMENT,),
    answer=Answer("In the second second."),
    timings={"grounder": 0.2, "total": 0.35},
    model="nano",
    engine="torch",
    presence=0.97,
    trace=Trace((RoleCall("grounder", "Find the bars", "At:", (0.0, 4.0), (0, 20), (1, 4, 4)),), (MOMENT,)),
)
EVIDENCE = {
    "clip.mp4": "video/mp4",
    "strip.png": "image/png",
    "timeline.png": "image/png",
    "timeline.svg": "image/svg+xml",
    "moments.srt": "application/x-subrip",
    "moments.vtt": "text/vtt; charset=utf-8",
    "report.html": "text/html; charset=utf-8",
    "trace.json": "application/json",
    "result.json": "application/json",
}
NEED_THE_VIDEO = ("clip.mp4", "strip.png", "moments.vtt", "report.html")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, State]]:
    """One server for all tests."""
    with open_api(tmp_path_factory.mktemp("results") / "data") as served:
        yield served


@pytest.fixture
def api(served: tuple[TestClient, State]) -> TestClient:
    return served[0]


@pytest.fixture
def services(served: tuple[TestClient, State]) -> Iterator[Services]:
    """What the server has: nothing, before and after."""
    yield served[1].services
    empty(served[1].services)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 numbered frames, ten a second."""
    return write_video(tmp_path_factory.mktemp("film") / "film.mp4", 40)


@pytest.fixture
def video(services: Services, film: Path) -> VideoFile:
    return store_video(services, film)


@pytest.fixture
def turn(services: Services, video: VideoFile) -> Turn:
    """An answered question."""
    return store_turn(services, video, Ask(RESULT.question), RESULT)


def test_a_result_is_what_was_asked_and_what_came_of_it(api: TestClient, turn: Turn, video: VideoFile) -> None:
    told = api.get(f"/v1/results/{turn.id}").json()
    assert (told["id"], told["object"], told["status"]) == (turn.id, "result", "answered")
    assert (told["question"], told["file_id"], told["filename"]) == (RESULT.question, video.id, "film.mp4")
    assert told["result"]["answer"] == {"text": "In the second second.", "option": None}
    assert told["result"]["moment"]["start"] == 1.0
    assert "trace" not in told["result"]


def test_subtitles_that_were_given_are_not_sent_back(api: TestClient, services: Services, video: VideoFile) -> None:
    turn = store_turn(services, video, Ask("Who?", subtitles="1\n00:00:01,000 --> 00:00:02,000\nsecret\n"), RESULT)
    assert "secret" not in api.get(f"/v1/results/{turn.id}").text


def test_every_link_of_a_result_leads_somewhere(api: TestClient, turn: Turn) -> None:
    links = api.get(f"/v1/results/{turn.id}").json()["result"]["links"]
    assert {"clip", "strip", "timeline", "subtitles", "report", "trace"} <= links.keys()
    for link in links.values():
        assert api.get(link).status_code == 200


@pytest.mark.parametrize("name", EVIDENCE)
def test_evidence_comes_with_its_type_under_a_name_and_runs_nothing(api: TestClient, turn: Turn, name: str) -> None:
    headers = api.get(f"/v1/results/{turn.id}/{name}").headers
    assert headers["content-type"] == EVIDENCE[name]
    assert re.search(r"film-(clip|strip|timeline|moments|report|trace|result)\.\w+", headers["content-disposition"])
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert headers["cache-control"].startswith("private")


def test_the_clip_is_the_moment(api: TestClient, turn: Turn, tmp_path: Path) -> None:
    for candidate, first, last in ((0, 10, 24), (1, 30, 39)):
        path = tmp_path / f"{candidate}.mp4"
        path.write_bytes(api.get(f"/v1/results/{turn.id}/clip.mp4", params={"candidate": candidate}).content)
        with open_video(path) as reader:
            numbers = numbers_of(reader.frames_at(range(reader.num_frames)))
        assert (numbers[0], numbers[-1]) == (first, last)


def test_a_clip_can_be_read_in_parts_and_leaves_nothing_on_disk(
    api: TestClient, turn: Turn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    part = api.get(f"/v1/results/{turn.id}/clip.mp4", headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert api.get(f"/v1/results/{turn.id}/clip.mp4?candidate=7").status_code == 404
    assert not list(tmp_path.iterdir())


def test_a_candidate_that_is_not_there_is_404(api: TestClient, turn: Turn) -> None:
    answer = api.get(f"/v1/results/{turn.id}/clip.mp4?candidate=2")
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        404,
        "there is no candidate 2; this result has 0 to 1",
    )
    assert api.get(f"/v1/results/{turn.id}/clip.mp4?candidate=-1").status_code == 400


def test_pictures_are_pictures(api: TestClient, turn: Turn) -> None:
    for name in ("strip.png", "timeline.png"):
        assert Image.open(io.BytesIO(api.get(f"/v1/results/{turn.id}/{name}").content)).format == "PNG"
    assert "<svg" in api.get(f"/v1/results/{turn.id}/timeline.svg").text
    assert api.get(f"/v1/results/{turn.id}/timeline.gif").status_code == 400


def test_subtitles_are_subtitles(api: TestClient, turn: Turn, tmp_path: Path) -> None:
    for kind in ("srt", "vtt"):
        path = tmp_path / f"moments.{kind}"
        path.write_bytes(api.get(f"/v1/results/{turn.id}/moments.{kind}").content)
        (cue,) = load_subtitles(path)
        assert (cue.start, cue.end) == pytest.approx((1.0, 2.5))
        assert "In the second second." in cue.text


def test_result_and_trace_come_back_as_they_were(api: TestClient, turn: Turn) -> None:
    result = api.get(f"/v1/results/{turn.id}/result.json").json()
    trace = api.get(f"/v1/results/{turn.id}/trace.json").json()
    assert result == json.loads(json.dumps(RESULT.to_json()))
    assert result_from_json(result | {"trace": trace}) == RESULT


def test_a_report_tells_options_and_the_date(api: TestClient, services: Services, video: VideoFile) -> None:
    chosen = replace(RESULT, answer=Answer("B) late", "B"))
    turn = store_turn(services, video, Ask(RESULT.question, options=("early", "late")), chosen)
    html = api.get(f"/v1/results/{turn.id}/report.html").text
    assert '<li class="chosen">B. late</li>' in html
    assert " UTC</p>" in html


def test_evidence_of_a_question_about_a_part_shows_that_part(
    api: TestClient, services: Services, video: VideoFile
) -> None:
    part = replace(RESULT, video=replace(RESULT.video, duration=2.0), candidates=(), moments=(), presence=None)
    turn = store_turn(services, video, Ask("What is it?", span=(1.0, 3.0)), part)
    assert "0:02 · 128" in api.get(f"/v1/results/{turn.id}/report.html").text
    for name in ("strip.png", "timeline.svg", "moments.vtt"):
        assert api.get(f"/v1/results/{turn.id}/{name}").status_code == 200
    assert api.get(f"/v1/results/{turn.id}/clip.mp4").status_code == 404


@pytest.mark.parametrize(
    ("state", "told"),
    [(TurnState.ASKED, "is not answered yet"), (TurnState.FAILED, "failed"), (TurnState.CANCELLED, "was cancelled")],
)
def test_a_question_without_an_answer_has_no_evidence(
    api: TestClient, services: Services, video: VideoFile, state: TurnState, told: str
) -> None:
    turn = store_turn(services, video, Ask("Who?"), state=state)
    assert api.get(f"/v1/results/{turn.id}").json()["status"] == state
    for name in EVIDENCE:
        answer = api.get(f"/v1/results/{turn.id}/{name}")
        assert answer.status_code == 409
        assert told in answer.json()["error"]["message"]


def test_when_the_video_was_removed_the_result_stays_but_needs_no_frames(
    api: TestClient, services: Services, turn: Turn, video: VideoFile
) -> None:
    services.library.remove(video.owner, video.id)
    assert api.get(f"/v1/results/{turn.id}").json()["file_id"] is None
    for name in EVIDENCE:
        expected = 410 if name in NEED_THE_VIDEO or name == "moments.srt" else 200
        assert api.get(f"/v1/results/{turn.id}/{name}").status_code == expected


def test_others_have_no_way_to_a_result(api: TestClient, services: Services, film: Path) -> None:
    turn = store_turn(services, store_video(services, film, OTHER), Ask("Who?"), RESULT)
    for path in ("", *(f"/{name}" for name in EVIDENCE)):
        assert api.get(f"/v1/results/{turn.id}{path}").status_code == 404


def test_a_conversation_has_its_questions_in_order(api: TestClient, services: Services, video: VideoFile) -> None:
    begun = services.conversations.start(video.owner, video, "Bars")
    for question in ("When?", "And then?"):
        store_turn(services, video, Ask(question), RESULT, conversation=begun.id)
    (listed,) = api.get("/v1/conversations").json()["data"]
    assert (listed["id"], listed["title"], listed["filename"]) == (begun.id, "Bars", "film.mp4")
    told = api.get(f"/v1/conversations/{begun.id}").json()
    assert [turn["question"] for turn in told["turns"]] == ["When?", "And then?"]
    assert told["turns"][0]["result"]["answer"]["text"] == "In the second second."


def test_a_conversation_can_be_renamed_and_removed(api: TestClient, services: Services, video: VideoFile) -> None:
    path = f"/v1/conversations/{services.conversations.start(video.owner, video, 'Bars').id}"
    assert api.patch(path, json={"title": "  White bars "}).json()["title"] == "White bars"
    assert api.get(path).json()["title"] == "White bars"
    assert api.patch(path, json={"title": " "}).status_code == 400
    assert api.delete(path).json()["deleted"] is True
    assert [call.status_code for call in (api.get(path), api.delete(path), api.patch(path, json={"title": "x"}))] == [
        404
    ] * 3


def test_others_have_no_way_to_a_conversation(api: TestClient, services: Services, film: Path) -> None:
    theirs = store_video(services, film, OTHER)
    path = f"/v1/conversations/{services.conversations.start(OTHER, theirs, 'Secret').id}"
    assert api.get("/v1/conversations").json()["data"] == []
    assert [call.status_code for call in (api.get(path), api.delete(path), api.patch(path, json={"title": "x"}))] == [
        404
    ] * 3

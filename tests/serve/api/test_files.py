"""Videos go in, are listed, played and removed.

The server has no model yet: files can be sent all the same.
"""

from __future__ import annotations

import hashlib
import io
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import openai
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.serve.api.stored import OTHER, empty, open_api, store_video
from tests.serve.conftest import HERE, open_state
from tests.vision.media import write_video
from videomind.serve.api import playing
from videomind.serve.app import create_app
from videomind.serve.http_server import HttpServer
from videomind.serve.state import State
from videomind.vision.probe import probe


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of H.264."""
    return write_video(tmp_path_factory.mktemp("film") / "film.mp4", 20)


@pytest.fixture(scope="module")
def gif(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What no player plays."""
    path = tmp_path_factory.mktemp("film") / "film.gif"
    frames = [Image.new("RGB", (64, 48), (shade, 0, 0)) for shade in range(0, 250, 25)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    return path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, State]]:
    """One server for all tests."""
    with open_api(tmp_path_factory.mktemp("files") / "data") as served:
        yield served


@pytest.fixture
def api(served: tuple[TestClient, State]) -> Iterator[TestClient]:
    """The server, with an empty library."""
    yield served[0]
    empty(served[1].services)


@pytest.fixture
def state(served: tuple[TestClient, State]) -> State:
    """What the server has."""
    return served[1]


@pytest.fixture
def sent(api: TestClient, film: Path) -> str:
    """Id of the film, uploaded."""
    id: str = api.post("/v1/files?name=film.mp4", content=film.read_bytes()).json()["id"]
    return id


def error(answer: object) -> str:
    message: str = answer.json()["error"]["message"]
    return message


def incoming(state: State) -> list[Path]:
    return list((state.services.settings.data / "incoming").iterdir())


def test_openais_client_sends_lists_reads_and_removes(openai_client: openai.OpenAI, film: Path) -> None:
    files = openai_client.files
    file = files.create(file=film, purpose="vision")
    assert (file.filename, file.bytes, file.object, file.purpose) == ("film.mp4", film.stat().st_size, "file", "vision")
    assert files.retrieve(file.id) == file
    assert file in list(files.list(limit=1))
    assert files.content(file.id).read() == film.read_bytes()
    assert files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        files.retrieve(file.id)


def test_a_file_says_what_its_video_is(api: TestClient, sent: str, film: Path) -> None:
    file = api.get(f"/v1/files/{sent}").json()
    assert file["sha256"] == hashlib.sha256(film.read_bytes()).hexdigest()
    told = {key: file["video"][key] for key in ("kind", "codec", "duration", "fps", "width", "height", "frames")}
    assert told == {
        "kind": "mp4", "codec": "h264", "duration": 2.0, "fps": 10.0, "width": 128, "height": 96, "frames": 20,
    }  # fmt: skip


def test_the_same_video_again_is_the_same_file(api: TestClient, sent: str, film: Path) -> None:
    again = api.post("/v1/files", files={"file": ("other.mp4", film.read_bytes())})
    assert again.json()["id"] == sent
    assert [file["id"] for file in api.get("/v1/files").json()["data"]] == [sent]


def test_a_client_can_ask_whether_a_video_is_here(api: TestClient, sent: str, film: Path) -> None:
    digest = hashlib.sha256(film.read_bytes()).hexdigest()
    assert [file["id"] for file in api.get(f"/v1/files?sha256={digest}").json()["data"]] == [sent]
    assert api.get(f"/v1/files?sha256={'0' * 64}").json()["data"] == []
    assert api.get("/v1/files?sha256=no").status_code == 400


def test_a_list_comes_in_pages(api: TestClient, sent: str, gif: Path) -> None:
    second = api.post("/v1/files?name=film.gif", content=gif.read_bytes()).json()["id"]
    first_page = api.get("/v1/files?limit=1&order=asc").json()
    assert (first_page["first_id"], first_page["has_more"]) == (sent, True)
    rest = api.get(f"/v1/files?limit=1&order=asc&after={sent}").json()
    assert (rest["last_id"], rest["has_more"]) == (second, False)
    assert [file["id"] for file in api.get("/v1/files").json()["data"]] == [second, sent]


@pytest.mark.parametrize("content", [b"", b"short", b"PK\x03\x04" + bytes(1000), b"<html>" * 200, bytes(5000)])
def test_what_is_no_video_is_refused_and_leaves_nothing(api: TestClient, state: State, content: bytes) -> None:
    for answer in (
        api.post("/v1/files?name=film.mp4", content=content),
        api.post("/v1/files", files={"file": ("film.mp4", content, "video/mp4")}),
    ):
        assert answer.status_code == 415
        assert str(state.services.settings.data) not in answer.text
    assert not incoming(state)


def test_a_form_without_a_video_is_refused(api: TestClient) -> None:
    answer = api.post("/v1/files", data={"purpose": "vision"}, files={"video": ("film.mp4", b"x")})
    assert (answer.status_code, error(answer)) == (400, "the form has no part named file")


def test_a_video_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    size = 2 << 20
    head = b"\x00\x00\x00\x20ftypisom" + bytes(size)
    with open_state(tmp_path / "data", max_upload_mib=1) as state, TestClient(create_app(state), base_url=HERE) as api:
        for answer in (api.post("/v1/files", content=head), api.post("/v1/files", files={"file": head})):
            assert answer.status_code == 413
        assert not incoming(state)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[tuple[int, State]]:
    """A real server that soon loses patience."""
    with (
        open_state(tmp_path / "data", upload_idle_s=0.4) as state,
        closing(HttpServer(create_app(state), "127.0.0.1", 0)) as server,
    ):
        server.start()
        yield int(server.url.rsplit(":", 1)[1]), state


def begin_upload(port: int, content_type: str, begun: bytes) -> socket.socket:
    """An upload of 1 MB of which only the beginning comes."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    head = f"POST /v1/files HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {content_type}\r\n"
    connection.sendall(f"{head}Content-Length: 1000000\r\n\r\n".encode() + begun)
    return connection


@pytest.mark.parametrize(
    ("content_type", "begun"),
    [
        ("video/mp4", b"\x00\x00\x00\x20ftypisom" + bytes(600)),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; na"),
    ],
)
def test_an_upload_that_stands_still_is_given_up(port: tuple[int, State], content_type: str, begun: bytes) -> None:
    with begin_upload(port[0], content_type, begun) as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")
    assert not incoming(port[1])


def test_an_upload_that_breaks_off_leaves_nothing(port: tuple[int, State], caplog: pytest.LogCaptureFixture) -> None:
    with begin_upload(port[0], "video/mp4", b"\x00\x00\x00\x20ftypisom" + bytes(600)):
        pass
    with begin_upload(port[0], "video/mp4", b"") as connection:  # answered after the one before has ended
        connection.recv(4096)
    assert not incoming(port[1])
    assert not caplog.records


def test_parts_of_a_video_can_be_read(api: TestClient, sent: str, film: Path) -> None:
    whole, path = film.read_bytes(), f"/v1/files/{sent}/content"
    part = api.get(path, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole)}"
    assert api.get(path, headers={"Range": "bytes=-10"}).content == whole[-10:]
    assert api.get(path, headers={"Range": "bytes=99999999-"}).status_code == 416
    head = api.head(path)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(whole)))
    tag = {"If-Range": head.headers["etag"]}
    assert api.get(path, headers={"Range": "bytes=0-9"} | tag).status_code == 206
    assert api.get(path, headers={"Range": "bytes=0-9", "If-Range": '"older"'}).content == whole


def test_a_file_is_sent_as_what_it_is_and_not_as_what_it_is_called(api: TestClient, film: Path) -> None:
    name = 'evil"\r\nSet-Cookie: a=b; ünï.html'
    id = api.post("/v1/files", params={"name": name}, content=film.read_bytes()).json()["id"]
    headers = api.get(f"/v1/files/{id}/content").headers
    assert headers["content-type"] == "video/mp4"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("sandbox;")
    assert headers["content-disposition"].startswith("attachment; filename*=utf-8''evil%22")
    assert "set-cookie" not in headers


def test_what_browsers_play_is_played_as_it_is(api: TestClient, sent: str, film: Path) -> None:
    answer = api.get(f"/v1/files/{sent}/play", headers={"Range": "bytes=0-99"})
    assert (answer.status_code, answer.content) == (206, film.read_bytes()[:100])
    assert answer.headers["content-disposition"] == 'inline; filename="film.mp4"'


def test_of_what_browsers_do_not_play_a_copy_is_made_once(
    api: TestClient, state: State, gif: Path, tmp_path: Path
) -> None:
    video = store_video(state.services, gif)
    answer = api.get(f"/v1/files/{video.id}/play")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(answer.content)
    probed = probe(copy)
    assert (probed.codec, probed.width, len(probed.index.pts)) == ("h264", 64, 10)
    kept = state.services.library.blobs.derived(video.sha256, ".play.mp4")
    written = kept.stat().st_mtime_ns
    assert api.get(f"/v1/files/{video.id}/play").content == answer.content
    assert kept.stat().st_mtime_ns == written


def test_while_a_copy_is_made_the_player_is_told_to_come_again(
    api: TestClient, state: State, gif: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = store_video(state.services, gif)
    monkeypatch.setattr(playing, "PATIENCE", 0.0)
    answer = api.get(f"/v1/files/{video.id}/play")
    assert (answer.status_code, answer.json()["status"]) == (202, "preparing")
    assert int(answer.headers["retry-after"]) > 0
    monkeypatch.setattr(playing, "PATIENCE", 20.0)
    assert api.get(f"/v1/files/{video.id}/play").status_code == 200


def test_what_cannot_be_copied_is_not_tried_again(api: TestClient, state: State, gif: Path) -> None:
    video = store_video(state.services, gif)
    path = state.services.library.path(video)
    path.write_bytes(gif.read_bytes()[:40])
    first = api.get(f"/v1/files/{video.id}/play")
    path.write_bytes(gif.read_bytes())  # as it should be: another try would succeed
    again = api.get(f"/v1/files/{video.id}/play")
    assert (first.status_code, again.status_code) == (415, 415)
    assert error(first) == error(again)
    assert str(path.parent) not in first.text


def test_a_video_has_a_poster(api: TestClient, state: State, sent: str) -> None:
    for _ in range(2):
        answer = api.get(f"/v1/files/{sent}/poster.jpg")
        assert answer.headers["content-type"] == "image/jpeg"
        assert Image.open(io.BytesIO(answer.content)).size == (128, 96)


def test_a_removed_file_is_gone_with_what_was_made_from_it(api: TestClient, state: State, sent: str) -> None:
    api.get(f"/v1/files/{sent}/poster.jpg")
    video = state.services.library.get("local", sent)
    assert api.delete(f"/v1/files/{sent}").json() == {"id": sent, "object": "file", "deleted": True}
    for path in ("", "/content", "/play", "/poster.jpg"):
        assert api.get(f"/v1/files/{sent}{path}").status_code == 404
    assert api.delete(f"/v1/files/{sent}").status_code == 404
    assert not list(state.services.library.blobs.path(video.sha256).parent.iterdir())


def test_others_have_no_way_to_a_file(api: TestClient, state: State, film: Path) -> None:
    theirs = store_video(state.services, film, OTHER)
    assert api.get("/v1/files").json()["data"] == []
    assert api.get(f"/v1/files?sha256={theirs.sha256}").json()["data"] == []
    for path in ("", "/content", "/play", "/poster.jpg"):
        answer = api.get(f"/v1/files/{theirs.id}{path}")
        assert (answer.status_code, error(answer)) == (404, f"there is no file '{theirs.id}'")
    assert api.delete(f"/v1/files/{theirs.id}").status_code == 404


def test_a_video_that_is_gone_from_disk_is_410(api: TestClient, state: State, sent: str) -> None:
    state.services.library.path(state.services.library.get("local", sent)).unlink()
    for path in ("content", "play", "poster.jpg"):
        assert api.get(f"/v1/files/{sent}/{path}").status_code == 410


@pytest.mark.parametrize("id", ["%00", "..%2f..%2fetc%2fpasswd", "file-%0a", "a" * 65])
def test_an_id_that_can_be_none_is_refused(api: TestClient, id: str) -> None:
    assert api.get(f"/v1/files/{id}/content").status_code in (400, 404)

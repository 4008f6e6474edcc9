"""Whose videos there are: one content on disk once, and nobody sees what is not theirs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest

from tests.serve.store.conftest import INFO, add
from videomind.serve.errors import Refused
from videomind.serve.store.conversations import Conversations
from videomind.serve.store.library import Library


def refusal(error: pytest.ExceptionInfo[Refused]) -> int:
    return error.value.status


def test_what_was_added_is_there_with_all_that_is_known_of_it(library: Library) -> None:
    video = add(library, content=b"film", name="Öl & Wasser.mp4")
    assert video == library.get("ann", video.id) == library.known("ann", sha256(b"film").hexdigest())
    assert (video.name, video.bytes, video.info) == ("Öl & Wasser.mp4", 4, INFO)
    assert video.id.startswith("file-")
    assert len(video.id) == len("file-") + 24
    assert library.path(video).read_bytes() == b"film"


def test_the_same_content_again_is_the_same_entry(library: Library) -> None:
    first = add(library, name="first.mp4")
    assert add(library, name="again.mp4") == first
    assert library.entries("ann") == [first]


def test_entries_come_newest_first(library: Library) -> None:
    videos = [add(library, content=bytes([number])) for number in range(5)]
    assert library.entries("ann") == videos[::-1]
    assert library.entries("ann", limit=2) == videos[:2:-1]


def test_nobody_sees_what_belongs_to_others(library: Library) -> None:
    video = add(library, "ann")
    assert library.known("bob", video.sha256) is None
    assert library.entries("bob") == []
    for attempt in (library.get, library.remove):
        with pytest.raises(Refused) as error:
            attempt("bob", video.id)
        assert refusal(error) == 404
    assert library.get("ann", video.id) == video


def test_a_content_leaves_the_disk_with_its_last_owner(library: Library) -> None:
    ann, bob = add(library, "ann"), add(library, "bob")
    assert ann.id != bob.id
    playable = library.blobs.derived(ann.sha256, ".play.mp4")
    playable.write_bytes(b"smaller")
    library.remove("ann", ann.id)
    assert library.path(bob).read_bytes() == b"film"
    library.remove("bob", bob.id)
    assert not library.blobs.path(bob.sha256).exists()
    assert not playable.exists()
    with pytest.raises(Refused) as error:
        library.remove("bob", bob.id)
    assert refusal(error) == 404


def test_a_file_that_is_gone_from_disk_is_said_to_be_and_comes_back_with_the_next_upload(library: Library) -> None:
    video = add(library)
    library.blobs.path(video.sha256).unlink()
    assert library.known("ann", video.sha256) is None
    with pytest.raises(Refused, match="send it again") as error:
        library.path(video)
    assert refusal(error) == 410
    assert add(library) == video
    assert library.path(video).read_bytes() == b"film"


def test_removing_a_video_leaves_what_was_asked_about_it(library: Library, conversations: Conversations) -> None:
    video = add(library)
    conversation = conversations.start("ann", video, "About it")
    turn = conversations.ask("ann", video, {"question": "Who?"}, conversation.id)
    library.remove("ann", video.id)
    after = conversations.turn("ann", turn.id)
    assert (after.file_id, after.file_name, after.asked) == (None, "film.mp4", {"question": "Who?"})
    assert conversations.get("ann", conversation.id).file_name == "film.mp4"


def test_odd_names_from_outside_do_no_harm(library: Library) -> None:
    for name in ("nul\0.mp4", "half \ud83d.mp4", "../../etc/passwd", "'; DROP TABLE files; --", ""):
        video = add(library, content=repr(name).encode(), name=name)
        stored = library.get("ann", video.id)
        assert stored.name == name.replace("\0", "\ufffd").replace("\ud83d", "\ufffd")
        assert library.path(stored).name == video.sha256
        with pytest.raises(Refused):
            library.get("ann", name)


def test_threads_that_add_and_remove_one_content_never_part_entry_and_file(library: Library) -> None:
    def come_and_go(owner: str) -> None:
        for _ in range(6):
            video = add(library, owner)
            assert library.path(video).read_bytes() == b"film"
            library.remove(owner, video.id)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(come_and_go, "abcdef"))
    assert library.blobs.stored() == {}

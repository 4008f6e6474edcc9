"""What goes by itself, and what stays."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from time import sleep, time

import pytest
from sqlalchemy import select, update

from tests.serve.store.conftest import add
from videomind.serve.store import cleanup
from videomind.serve.store.cleanup import DAY, SETTLED, Cleaned, clean
from videomind.serve.store.conversations import Conversations, TurnState
from videomind.serve.store.database import Database
from videomind.serve.store.library import Library, VideoFile
from videomind.serve.store.sessions import EXPIRES, Sessions
from videomind.serve.store.tables import SECOND, ConversationRow, FileRow, SessionRow, TurnRow, now

NOTHING = Cleaned(files=0, turns=0, bytes=0)


def age(database: Database, video: VideoFile, days: float) -> None:
    """Let a video, and all that was asked about it, be so old."""
    then = now() - int(days * DAY * SECOND)
    with database.session() as session:
        session.execute(update(FileRow).filter_by(id=video.id).values(created=then, used=then))
        session.execute(update(ConversationRow).filter_by(file_id=video.id).values(created=then, updated=then))
        session.execute(update(TurnRow).filter_by(file_id=video.id).values(created=then, finished=then))


def ask(conversations: Conversations, video: VideoFile, conversation: str | None = None) -> str:
    """A question that was answered."""
    turn = conversations.ask(video.owner, video, {}, conversation)
    conversations.finish(turn.id, TurnState.ANSWERED, {})
    return turn.id


def names(library: Library) -> list[str]:
    return sorted(entry.name for entry in library.entries("ann"))


def file_older(path: Path, seconds: float) -> None:
    os.utime(path, (time() - seconds,) * 2)


def test_without_limits_everything_stays(database: Database, library: Library, conversations: Conversations) -> None:
    video = add(library)
    conversation = conversations.start("ann", video, "Old")
    ask(conversations, video, conversation.id)
    age(database, video, 1000)
    assert clean(database, library, None, None) == NOTHING
    assert names(library) == ["film.mp4"]
    assert len(conversations.turns("ann", conversation.id)) == 1


def test_what_is_older_than_the_retention_goes_with_its_video(
    database: Database, library: Library, conversations: Conversations
) -> None:
    old, new = add(library, content=b"old", name="old"), add(library, content=b"newer", name="new")
    for video in (old, new):
        ask(conversations, video, conversations.start("ann", video, video.name).id)
        ask(conversations, video)
    age(database, old, 31)
    age(database, new, 29)
    assert clean(database, library, 30, None) == Cleaned(files=1, turns=2, bytes=len(b"old"))
    assert names(library) == ["new"]
    assert [entry.title for entry in conversations.entries("ann")] == ["new"]
    assert not library.blobs.path(old.sha256).exists()


def test_a_conversation_stays_whole_while_it_goes_on(
    database: Database, library: Library, conversations: Conversations
) -> None:
    video = add(library)
    conversation = conversations.start("ann", video, "Long")
    ask(conversations, video, conversation.id)
    age(database, video, 31)
    ask(conversations, video, conversation.id)
    assert clean(database, library, 30, None) == NOTHING
    assert len(conversations.turns("ann", conversation.id)) == 2


def test_the_least_recently_used_go_until_the_rest_fits(database: Database, library: Library) -> None:
    videos = [add(library, content=name.encode() * 100, name=name) for name in "abcd"]
    library.touch(videos[0].id)
    library.blobs.derived(videos[3].sha256, ".play.mp4").write_bytes(b"x" * 50)
    assert clean(database, library, None, 450) == NOTHING
    assert clean(database, library, None, 449) == Cleaned(files=1, turns=0, bytes=100)
    assert names(library) == ["a", "c", "d"]
    assert clean(database, library, None, 100) == Cleaned(files=2, turns=0, bytes=250)
    assert names(library) == ["a"]


def test_asking_counts_as_use(database: Database, library: Library, conversations: Conversations) -> None:
    asked = add(library, content=b"asked", name="asked")
    add(library, content=b"other", name="other")
    ask(conversations, asked)
    clean(database, library, None, 5)
    assert names(library) == ["asked"]


def test_a_video_of_several_is_as_recently_used_as_by_the_last_of_them(database: Database, library: Library) -> None:
    add(library, "ann", b"shared", "shared")
    add(library, "ann", b"single", "single")
    add(library, "bob", b"shared", "shared")
    clean(database, library, None, 6)
    assert names(library) == ["shared"]
    assert len(library.entries("bob")) == 1


def test_what_is_being_answered_stays_with_its_video(
    database: Database, library: Library, conversations: Conversations
) -> None:
    video = add(library)
    conversation = conversations.start("ann", video, "Busy")
    ask(conversations, video, conversation.id)
    turns = [conversations.ask("ann", video, {}, where) for where in (conversation.id, None)]
    age(database, video, 0.5)
    assert clean(database, library, 0, 0) == NOTHING
    assert library.path(video).read_bytes() == b"film"
    assert [conversations.turn("ann", turn.id).state for turn in turns] == [TurnState.ASKED] * 2
    assert len(conversations.turns("ann", conversation.id)) == 2
    for turn in turns:
        conversations.finish(turn.id, TurnState.ANSWERED, {})
    assert clean(database, library, 0, 0) == Cleaned(files=1, turns=3, bytes=4)
    assert conversations.entries("ann") == []


def test_a_question_whose_server_never_came_back_holds_nothing_for_ever(
    database: Database, library: Library, conversations: Conversations
) -> None:
    video = add(library)
    turn = conversations.ask("ann", video, {}, None)
    age(database, video, 1.5)
    assert clean(database, library, None, 0).files == 1
    assert conversations.turn("ann", turn.id).state is TurnState.INTERRUPTED


def test_what_is_used_while_it_is_about_to_go_stays(database: Database, library: Library) -> None:
    video = add(library)
    age(database, video, 31)
    with ThreadPoolExecutor() as pool:
        with library.blobs.locked(video.sha256):
            cleaning = pool.submit(clean, database, library, 30, None)
            sleep(0.1)
            library.touch(video.id)
        assert cleaning.result() == NOTHING
    assert library.path(video).read_bytes() == b"film"


def test_files_that_belong_to_nobody_go_once_they_are_old(database: Database, library: Library) -> None:
    add(library)
    paths = []
    for content in (b"lost", b"just being added"):
        with library.blobs.incoming() as incoming:
            incoming.write(content)
            paths.append(library.blobs.keep(incoming))
    file_older(paths[0], SETTLED + 60)
    assert clean(database, library, None, None) == Cleaned(files=1, turns=0, bytes=4)
    assert [path.exists() for path in paths] == [False, True]
    assert names(library) == ["film.mp4"]


def test_what_began_to_be_derived_goes_once_it_is_old(database: Database, library: Library) -> None:
    video = add(library)
    home = library.blobs.path(video.sha256)
    old, new = (home.with_name(f".{home.name}.play.{number}.partial.mp4") for number in (1, 2))
    for path in (old, new):
        path.write_bytes(b"half")
    file_older(old, SETTLED + 60)
    assert clean(database, library, None, None) == NOTHING
    assert (old.exists(), new.exists(), home.exists()) == (False, True, True)


def test_entries_without_a_file_go(database: Database, library: Library) -> None:
    gone = add(library, content=b"gone", name="gone")
    add(library, content=b"there", name="there")
    library.blobs.path(gone.sha256).unlink()
    library.blobs.derived(gone.sha256, ".play.mp4").write_bytes(b"x")
    assert clean(database, library, None, None) == NOTHING
    assert names(library) == ["there"]
    assert list(library.blobs.stored()) == [sha256(b"there").hexdigest()]


def test_entries_stay_when_the_disk_with_all_files_is_missing(
    database: Database, library: Library, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add(library)
    (root / "videos").rename(root / "elsewhere")
    (root / "videos").mkdir()
    assert clean(database, library, None, None) == NOTHING
    assert names(library) == ["film.mp4"]
    assert "is the folder there?" in caplog.text


def test_sessions_that_have_ended_go(database: Database, library: Library) -> None:
    Sessions(database).start()
    with database.session() as session:
        session.execute(update(SessionRow).values(seen=now() - (EXPIRES + 60) * SECOND))
    clean(database, library, None, None)
    with database.reading() as session:
        assert session.scalars(select(SessionRow)).all() == []


def test_many_old_conversations_go_too(
    database: Database, library: Library, conversations: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "AT_ONCE", 2)
    video = add(library)
    for number in range(5):
        ask(conversations, video, conversations.start("ann", video, str(number)).id)
    age(database, video, 31)
    assert clean(database, library, 30, None).turns == 5
    assert conversations.entries("ann") == []

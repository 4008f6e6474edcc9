"""`kill -9` at any moment: what was promised is there, what was half-way leaves no trace."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from time import sleep

from videomind.serve.store.blobs import Blobs
from videomind.serve.store.cleanup import clean
from videomind.serve.store.conversations import Conversations, TurnState
from videomind.serve.store.database import Database
from videomind.serve.store.library import Library

SAY = """
import json, sys
from pathlib import Path
from videomind.serve.store.blobs import Blobs

def say(*what):
    print(json.dumps(what), flush=True)
"""
AMID_AN_UPLOAD = """
with Blobs(Path(sys.argv[1])).incoming() as incoming:
    incoming.write(b"half of it")
    say(str(incoming.path))
    sys.stdin.read()
"""
STORE = """
from tests.serve.store.conftest import add
from videomind.serve.store.conversations import Conversations, TurnState
from videomind.serve.store.database import Database
from videomind.serve.store.library import Library

database = Database.open(sys.argv[1])
library = Library(database, Blobs(Path(sys.argv[2])))
conversations = Conversations(database, "here")
"""
AMID_AN_ANSWER = """
video = add(library)
conversation = conversations.start("ann", video, "Doors")
done = conversations.ask("ann", video, {"question": "first"}, conversation.id)
conversations.finish(done.id, TurnState.ANSWERED, {"answer": "yes"})
open = conversations.ask("ann", video, {"question": "second"}, conversation.id)
say(conversation.id)
sys.stdin.read()
"""
WITHOUT_END = """
for number in range(1_000_000):
    video = add(library, content=b"%d" % number * 1000, name=str(number))
    say("added", video.id, video.sha256)
    if number % 3 == 0:
        say("removing", video.id)
        library.remove("ann", video.id)
"""


@contextmanager
def server(does: str, *args: str | Path) -> Iterator[subprocess.Popen[str]]:
    """A process that does something with the store until it is killed."""
    command = [sys.executable, "-c", SAY + does, *map(str, args)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_server_killed_amid_an_upload_leaves_nothing_of_it(root: Path) -> None:
    with server(AMID_AN_UPLOAD, root) as process:
        assert process.stdout is not None
        half = Path(json.loads(process.stdout.readline())[0])
        Blobs(root)
        assert half.read_bytes() == b"half of it"
    assert half.exists()
    Blobs(root)
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_a_server_killed_amid_an_answer_has_kept_the_question(url: str, root: Path) -> None:
    with server(STORE + AMID_AN_ANSWER, url, root) as process:
        assert process.stdout is not None
        conversation = json.loads(process.stdout.readline())[0]
    with closing(Database.open(url)) as database:
        again = Conversations(database, "here")
        assert again.interrupt() == 1
        first, second = again.turns("ann", conversation)
        assert (first.state, first.result) == (TurnState.ANSWERED, {"answer": "yes"})
        assert (second.state, second.asked) == (TurnState.INTERRUPTED, {"question": "second"})
        assert Library(database, Blobs(root)).get("ann", first.file_id or "").name == "film.mp4"


def test_a_server_killed_at_any_time_has_what_it_promised(url: str, root: Path) -> None:
    with server(STORE + WITHOUT_END, url, root) as process:
        assert process.stdout is not None
        said = [process.stdout.readline()]
        sleep(random.uniform(0.01, 0.2))
        process.kill()
        said += process.stdout.readlines()
    lines = [json.loads(line) for line in said if line.endswith("\n")]
    added = {line[1]: line[2] for line in lines if line[0] == "added"}
    removing = {line[1] for line in lines if line[0] == "removing"}
    with closing(Database.open(url)) as database:
        library = Library(database, Blobs(root))
        there = {video.id: video for video in library.entries("ann")}
        assert added.keys() - removing <= there.keys()
        assert len(there.keys() - added.keys()) <= 1
        for video in there.values():
            assert sha256(library.path(video).read_bytes()).hexdigest() == video.sha256
        clean(database, library, None, None)
        assert {video.id for video in library.entries("ann")} == there.keys()

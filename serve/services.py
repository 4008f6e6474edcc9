"""What the server has besides the model: its settings, its store, its ways in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import HTTPConnection

from videomind.errors import InputError
from videomind.serve.media.receive import Media, MediaLimits
from videomind.serve.sandbox import forks
from videomind.serve.sandbox.limits import Limits
from videomind.serve.settings import GIB, MIB, Settings
from videomind.serve.store.blobs import Blobs
from videomind.serve.store.conversations import Conversations
from videomind.serve.store.database import Database
from videomind.serve.store.keys import Keys
from videomind.serve.store.library import Library
from videomind.serve.store.sessions import Sessions
from videomind.serve.videos import Videos


@dataclass(frozen=True, slots=True)
class Services:
    """One of each, shared by all requests; safe to share between threads."""

    settings: Settings
    database: Database
    library: Library
    conversations: Conversations
    keys: Keys
    sessions: Sessions
    media: Media
    videos: Videos


async def services(request: HTTPConnection) -> Services:
    """What an endpoint depends on that needs no model."""
    found: Services = request.app.state.videomind.services
    return found


@contextmanager
def open_services(settings: Settings) -> Iterator[Services]:
    """Open the store, and mark what an earlier run left unfinished.

    Raises:
        InputError: the data folder or the database cannot be used.
    """
    root = data_folder(settings)
    forks.warm_up()
    with closing(open_database(settings)) as database:
        library = Library(database, Blobs(root))
        conversations = Conversations(database, settings.instance)
        conversations.interrupt()
        limits = _sandbox_limits(settings)
        media = Media(
            library,
            MediaLimits(settings.max_upload_mib * MIB, settings.upload_idle_s, settings.upload_s),
            limits,
            settings.allowed_media_path,
            settings.allowed_media_domain,
        )
        with closing(Videos(library, limits)) as videos:
            keys, sessions = Keys(database), Sessions(database)
            yield Services(settings, database, library, conversations, keys, sessions, media, videos)


def open_database(settings: Settings) -> Database:
    """The database of the settings, at its newest form.

    Raises:
        InputError: it cannot be used.
    """
    if settings.database is not None:
        return Database.open(settings.database.get_secret_value())
    return Database.open(f"sqlite:///{data_folder(settings) / 'videomind.db'}")


def data_folder(settings: Settings) -> Path:
    """The data folder, made where it is missing; only this user may look into it.

    Raises:
        InputError: it cannot be made.
    """
    try:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InputError(f"cannot keep data in {settings.data}: {error.strerror}; give another --data") from error
    return settings.data


def quota_bytes(settings: Settings) -> int | None:
    """The most that videos may take."""
    return None if settings.quota_gib is None else round(settings.quota_gib * GIB)


def _sandbox_limits(settings: Settings) -> Limits:
    return Limits(
        memory_bytes=settings.sandbox_memory_mib * MIB,
        cpu_s=settings.sandbox_cpu_s,
        wall_s=settings.sandbox_wall_s,
        max_seconds=settings.max_video_hours * 3600,
        max_pixels=round(settings.max_video_megapixels * 1e6),
    )

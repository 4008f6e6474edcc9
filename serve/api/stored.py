"""What endpoints depend on that are about stored things."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path

from videomind.serve.caller import Caller, caller
from videomind.serve.services import Services, services
from videomind.serve.store.library import VideoFile

Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Served = Annotated[Services, Depends(services)]
Asking = Annotated[Caller, Depends(caller)]


def stored_video(file_id: Id, served: Served, asking: Asking) -> VideoFile:
    """The caller's video of this id."""
    return served.library.get(asking.owner, file_id)


Stored = Annotated[VideoFile, Depends(stored_video)]

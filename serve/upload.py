"""An adapter as it comes in: two files of one multipart form, streamed to disk."""

from __future__ import annotations

import shutil
from pathlib import Path

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from videomind.lora_switch.adapter import CONFIG_FILE, WEIGHTS_FILE
from videomind.serve.errors import Refused

PARTS = (CONFIG_FILE, WEIGHTS_FILE)


async def receive_adapter(request: Request, folder: Path) -> None:
    """Write the parts `adapter_config.json` and `adapter_model.safetensors` of the request's form into a folder.

    Raises:
        Refused: (400) it is no such form.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refused(400, f"send {' and '.join(PARTS)} as the parts of a multipart form")
    async with request.form(max_files=len(PARTS), max_fields=0) as form:
        files = {name: part for name, part in form.multi_items() if isinstance(part, UploadFile)}
        if missing := [name for name in PARTS if name not in files]:
            raise Refused(400, f"the form lacks the part {missing[0]}")
        for name in PARTS:
            await run_in_threadpool(_copy, files[name], folder / name)


def _copy(part: UploadFile, path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(part.file, file)

"""A form as it comes in, in any pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from videomind.serve.api.upload_form import MOST_AROUND, UploadForm
from videomind.serve.errors import Refused

TYPE = "multipart/form-data; boundary=xyz"
VIDEO = b"\x00\x01\r\n--xy\r\n--xyz-not-quite\r\n\r\n" * 3
FORM = (
    b'--xyz\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nvision\r\n'
    b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="r\xc3\xa9sum\xc3\xa9.mp4"\r\n'
    b"Content-Type: video/mp4\r\n\r\n" + VIDEO + b"\r\n"
    b'--xyz\r\nContent-Disposition: form-data; name="note"\r\n\r\nafter\r\n--xyz--\r\n'
)


def read(body: bytes, step: int = 1 << 16, content_type: str = TYPE) -> tuple[str, bytes]:
    """Name and content of a form that comes in pieces of `step` bytes."""

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), step):
            yield body[start : start + step]

    async def reading() -> tuple[str, bytes]:
        form = UploadForm(content_type, pieces())
        name = await form.name()
        return name, b"".join([piece async for piece in form.content()])

    return asyncio.run(reading())


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64, 200, 1 << 16])
def test_the_video_is_the_same_however_the_form_is_cut(step: int) -> None:
    assert read(FORM, step) == ("résumé.mp4", VIDEO)


def test_a_form_without_a_file_name_has_a_video_without_one() -> None:
    assert read(FORM.replace(b'; filename="r\xc3\xa9sum\xc3\xa9.mp4"', b""))[0] == ""


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "no part named file"),
        (FORM.replace(b'name="file"', b'name="video"'), "no part named file"),
        (FORM[:-30], "breaks off"),
        (FORM.replace(b'name="note"', b'name="file"'), "two videos"),
        (b"nonsense", "cannot be read"),
        (FORM.replace(b"Content-Type", b"Content Type"), "cannot be read"),
        (FORM.replace(b"vision", b"v" * (MOST_AROUND + 1)), "more than the part file"),
        (FORM.replace(b"after", b"a" * (MOST_AROUND + 1)), "more than the part file"),
        (FORM + b" " * (MOST_AROUND + 1), "more than the part file"),
    ],
)
def test_a_form_that_is_none_is_refused(body: bytes, told: str) -> None:
    with pytest.raises(Refused, match=told) as caught:
        read(body)
    assert caught.value.status == 400


@pytest.mark.parametrize("content_type", ["multipart/form-data", f"multipart/form-data; boundary={'x' * 2000}"])
def test_a_boundary_that_cannot_be_one_is_refused(content_type: str) -> None:
    with pytest.raises(Refused, match="form"):
        read(FORM, content_type=content_type)

"""A video in a multipart form, given on as it comes in: nothing of it is held in memory or put in a second file."""

from __future__ import annotations

from collections.abc import AsyncIterator

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from videomind.serve.errors import Refused

PART = "file"
MOST_AROUND = 64 << 10
"""Bytes of a form that are not the video: other parts, headers, boundaries."""


class UploadForm:
    """First `name`, then `content`. Parts beside the video are read and left alone.

    Args:
        content_type: of the request.
        body: of the request, as it comes.

    Raises:
        Refused: (400) it is no such form.
    """

    def __init__(self, content_type: str, body: AsyncIterator[bytes]) -> None:
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        if not boundary:
            raise Refused(400, "the Content-Type of a form names its boundary")
        self._body = body
        self._name: str | None = None
        self._pieces: list[bytes] = []
        self._around = 0
        self._in_file = self._whole = False
        self._field, self._value, self._disposition = b"", b"", b""
        self._parser = self._new_parser(boundary)

    async def name(self) -> str:
        """What the video is called where it comes from.

        Raises:
            Refused: (400) the form ends before a part `file`.
        """
        async for data in self._body:
            self._feed(data)
            if self._name is not None:
                return self._name
        raise Refused(400, f"the form has no part named {PART}")

    async def content(self) -> AsyncIterator[bytes]:
        """The video.

        Raises:
            Refused: (400) the form breaks off, or goes on with things that do not belong there.
        """
        while True:
            pieces, self._pieces = self._pieces, []
            for piece in pieces:
                yield piece
            data = await anext(self._body, None)
            if data is None:
                break
            self._feed(data)
        if not self._whole:
            raise Refused(400, "the form breaks off before its end: send it again")

    def _feed(self, data: bytes) -> None:
        before = sum(map(len, self._pieces))
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _unreadable(error) from None
        self._around += len(data) - (sum(map(len, self._pieces)) - before)
        if self._around > MOST_AROUND:
            raise Refused(400, f"the form holds more than the part {PART}: send the video alone")

    def _new_parser(self, boundary: bytes) -> MultipartParser:
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise _unreadable(error) from None

    def _on_part_begin(self) -> None:
        self._in_file, self._disposition = False, b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _on_headers_finished(self) -> None:
        options = parse_options_header(self._disposition.decode("latin-1"))[1]
        if options.get(b"name") != PART.encode():
            return
        if self._name is not None:
            raise Refused(400, "the form has two videos: send one at a time")
        self._in_file, self._name = True, options.get(b"filename", b"").decode(errors="replace")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._pieces.append(data[start:end])

    def _on_end(self) -> None:
        self._whole = True


def _unreadable(error: FormParserError) -> Refused:
    return Refused(400, f"the form cannot be read: {error}")

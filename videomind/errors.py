"""The one exception tree. Every error says what was wrong, with which input, and what would work."""

from __future__ import annotations


class VideoMindError(Exception):
    """Base of all errors raised on purpose by this package. Its text is one line, fit to show to a user."""


class InputError(VideoMindError, ValueError):
    """A question, option, span or setting that cannot be used."""


class VideoError(InputError):
    """A file that is missing, is no video, or holds no decodable frame."""


class SubtitleError(InputError):
    """A subtitle file that cannot be read."""


class BundleError(InputError):
    """A model folder, role or adapter that is missing, malformed, or made for another base."""


class EngineError(VideoMindError, RuntimeError):
    """The engine cannot run the request (memory, device, context length)."""


class Cancelled(VideoMindError):  # noqa: N818  (it is what happened, not an error of the program)
    """The caller cancelled the request before it finished."""

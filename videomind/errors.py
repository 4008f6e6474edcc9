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


class DataError(InputError):
    """Training data that cannot be used: a missing file, records in another format, or none that remains."""


class BundleError(InputError):
    """A model folder, role or adapter that is missing, malformed, or made for another base."""


class AdapterKindError(BundleError):
    """An adapter of a kind that has to become plain LoRA before it can be served."""


class EngineError(VideoMindError, RuntimeError):
    """The engine cannot run the request (memory, device, context length)."""


class EngineBusy(EngineError):  # noqa: N818  (it is a state, and passes)
    """More calls wait than the engine is set up for; try again later."""


class EngineDead(EngineError):  # noqa: N818
    """A process of the engine has ended; the engine has to be made anew."""


class Cancelled(VideoMindError):  # noqa: N818  (it is what happened, not an error of the program)
    """The caller cancelled the request before it finished."""

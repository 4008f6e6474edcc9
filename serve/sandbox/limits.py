"""What a file from outside may cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Attributes:
    memory_bytes: address space of the process that reads the file.
    cpu_s: seconds of CPU time for one request to it (opening, decoding some frames, cutting a clip).
    wall_s: seconds that anybody waits for one request.
    max_seconds: duration of a video.
    max_pixels: pixels of one picture.
    max_frames: frames of a video.
    max_file_bytes: size of a file that such a process writes (clips, playable copies).
    """

    memory_bytes: int = 2 << 30
    cpu_s: float = 120.0
    wall_s: float = 300.0
    max_seconds: float = 6 * 3600.0
    max_pixels: int = 8192 * 4320
    max_frames: int = 4_000_000
    max_file_bytes: int = 4 << 30

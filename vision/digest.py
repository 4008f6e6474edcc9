"""Content hashes, by which frames are recognized in a cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

WHOLE = 64 * 2**20
"""Files up to this many bytes are hashed whole."""
SAMPLE = 2**20
"""Of larger files this many bytes at the start, the middle and the end are hashed, besides the size."""


def file_digest(path: Path) -> str:
    """SHA-256 (hexadecimal) of a file; of a file beyond 64 MiB, of its size and three samples of 1 MiB."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= WHOLE:
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256(f"sampled {size}".encode())
        for start in (0, (size - SAMPLE) // 2, size - SAMPLE):
            file.seek(start)
            digest.update(file.read(SAMPLE))
    return digest.hexdigest()


def files_digest(paths: Iterable[Path], fps: float) -> str:
    """SHA-256 (hexadecimal) of several files in this order, shown at this rate."""
    digest = hashlib.sha256(f"files at {fps}".encode())
    for path in paths:
        digest.update(file_digest(path).encode())
    return digest.hexdigest()


def array_digest(frames: np.ndarray, fps: float) -> str:
    """SHA-256 (hexadecimal) of frames in memory, shown at this rate."""
    digest = hashlib.sha256(f"array {frames.shape} at {fps}".encode())
    digest.update(np.ascontiguousarray(frames).data)
    return digest.hexdigest()

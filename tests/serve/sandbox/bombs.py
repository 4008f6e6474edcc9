"""Files that are made to do harm."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path


def gif(width: int, height: int, frames: int = 1, frame_size: tuple[int, int] = (1, 1)) -> bytes:
    """A GIF whose header claims a size, with frames of another."""
    screen = struct.pack("<6sHHBBB", b"GIF89a", width, height, 0x80, 0, 0) + bytes(6)
    picture = struct.pack("<BHHHHB", 0x2C, 0, 0, *frame_size, 0) + b"\x02\x02\x44\x01\x00"
    return screen + picture * frames + b";"


def write_long_gif(path: Path, frames: int) -> Path:
    """A GIF of very many frames of one pixel."""
    path.write_bytes(gif(1, 1, frames))
    return path


def claim_hours(source: Path, path: Path, hours: float) -> Path:
    """A copy of an .mp4 or .mkv whose header claims to last longer."""
    data = bytearray(source.read_bytes())
    if source.suffix == ".mkv":
        struct.pack_into(">d", data, data.index(b"\x44\x89\x88") + 3, hours * 3_600_000)
    for box in (b"mvhd", b"mdhd") if source.suffix == ".mp4" else ():
        scale = data.index(box) + 16
        (ticks,) = struct.unpack_from(">I", data, scale)
        struct.pack_into(">I", data, scale + 4, int(hours * 3600 * ticks))
    path.write_bytes(data)
    return path


def write_playlist(path: Path, target: Path) -> Path:
    """An HLS playlist that names another file."""
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{target}\n#EXT-X-ENDLIST\n")
    return path


def write_concat(path: Path, target: Path) -> Path:
    """FFmpeg's own list of files."""
    path.write_text(f"ffconcat version 1.0\nfile '{target}'\n")
    return path


def write_zip(path: Path) -> Path:
    """A zip file of 1 MiB of zeros in 1 kB."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(1 << 20))
    return path


def write_png(path: Path, side: int = 60_000) -> Path:
    """A PNG that claims to be 60 000 × 60 000."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1 << 16)))
        + chunk(b"IEND", b"")
    )
    return path

"""What a file is by its first bytes, whatever it is called."""

from __future__ import annotations

HEAD = 512
"""Bytes that tell all kinds apart; 64 do for most."""
PICTURES = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif"})
"""Brands of still pictures in MP4's clothes."""
QUICKTIME_ATOMS = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
PREFIXES = {
    b"GIF87a": "gif",
    b"GIF89a": "gif",
    b"FLV\x01": "flv",
    b"OggS\x00": "ogg",
    b"\x00\x00\x01\xba": "mpeg",
    bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"): "asf",
}
EBML = b"\x1a\x45\xdf\xa3"
SYNC, PACKET = 0x47, 188


def sniff(head: bytes) -> str | None:
    """The container of a file that begins so, or None where it is no video that is taken.

    Args:
        head: the first `HEAD` bytes, or all where there are fewer.

    Returns:
        "mp4", "quicktime", "webm", "matroska", "avi", "mpegts", "mpeg", "gif", "flv", "asf", "ogg" or None.
    """
    for prefix, kind in PREFIXES.items():
        if head.startswith(prefix):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[:4] == EBML:
        return _matroska(head)
    return _mp4(head) or ("mpegts" if _is_transport_stream(head) else None)


def _mp4(head: bytes) -> str | None:
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in PICTURES:
            return None
        return "quicktime" if brand == b"qt  " else "mp4"
    return "quicktime" if head[4:8] in QUICKTIME_ATOMS else None


def _matroska(head: bytes) -> str | None:
    if b"\x42\x82\x84webm" in head:
        return "webm"
    return "matroska" if b"\x42\x82\x88matroska" in head else None


def _is_transport_stream(head: bytes) -> bool:
    """Packets of 188 bytes that begin with the sync byte; with a time stamp of 4 bytes before each in .m2ts."""
    for offset, step in ((0, PACKET), (4, PACKET + 4)):
        syncs = head[offset::step]
        if len(syncs) > 1 and all(byte == SYNC for byte in syncs):
            return True
    return False

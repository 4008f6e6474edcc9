"""Numbers as they are printed: percent with two decimals, fractions with four."""

from __future__ import annotations

VARIANTS = {
    "official": "as the benchmark's own evaluation counts",
    "videomind": "as the published system's evaluation counts",
    "fixed": "every sample counts; a missing or failed one as wrong",
}
"""What each variant is, in words."""
FRACTIONS = {
    "rextime": ("GQA@0.5", "vqa_acc"),
    "lvbench": ("acc",),
    "longvideobench": ("lvb_acc",),
    "activitynet_rtl": ("P@0.5", "mIoU"),
    "didemo": ("rank@1", "rank@5", "mIoU"),
}
"""Task → metrics that its official evaluation gives as fractions; all others are percent."""
NOTHING = "–"


def decimals(task: str, variant: str, metric: str) -> int:
    """How many decimals a metric is printed with."""
    return 4 if variant == "official" and metric in FRACTIONS.get(task, ()) else 2


def printed(value: float | None, places: int) -> str:
    """A value with so many decimals."""
    return NOTHING if value is None else f"{value:.{places}f}"


def printed_interval(interval: tuple[float, float], places: int) -> str:
    """A 95 % interval, with one decimal less than the value."""
    return f"{interval[0]:.{places - 1}f} to {interval[1]:.{places - 1}f}"


def share(part: float) -> str:
    """A share for people: "41.3 %"."""
    return f"{100 * part:.1f} %"

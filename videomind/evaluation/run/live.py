"""What a run scores so far, to be shown while it goes on."""

from __future__ import annotations

from dataclasses import dataclass

from videomind.evaluation.run.journal import Line
from videomind.roles.spans import temporal_iou


@dataclass(slots=True)
class Running:
    """Means over what was counted; a failed sample counts as wrong."""

    done: int = 0
    failed: int = 0
    grounded: int = 0
    overlap: float = 0.0
    hits: int = 0
    asked: int = 0
    right: int = 0

    def add(self, line: Line) -> None:
        """Count a finished sample."""
        self.done += 1
        self.failed += line["error"] is not None
        result = line.get("result") or {}
        if line["spans"]:
            self.grounded += 1
            iou = _iou(line["spans"], result.get("candidates") or [])
            self.overlap += iou
            self.hits += iou >= 0.5
        if line["options"]:
            self.asked += 1
            answer = result.get("answer") or {}
            self.right += answer.get("option") is not None and answer["option"] == line["answer"]

    def replace_failed(self, line: Line) -> None:
        """Count the second attempt at a sample, in place of the first."""
        self.done -= 1
        self.failed -= 1
        self.grounded -= bool(line["spans"])
        self.asked -= bool(line["options"])
        self.add(line)

    def text(self) -> str:
        """ "mIoU 45.2 · R1@0.5 51.1 · Acc 70.3", as far as there is something to say."""
        parts = []
        if self.grounded:
            parts.append(f"mIoU {100 * self.overlap / self.grounded:.1f}")
            parts.append(f"R1@0.5 {100 * self.hits / self.grounded:.1f}")
        if self.asked:
            parts.append(f"Acc {100 * self.right / self.asked:.1f}")
        return " · ".join(parts)


def _iou(spans: list[list[float]], candidates: list[dict[str, float]]) -> float:
    if not candidates:
        return 0.0
    first = candidates[0]["start"], candidates[0]["end"]
    return max(temporal_iou(first, (start, end)) for start, end in spans)

"""What a vLLM engine with the published roles needs, computed from shapes: `python -m benchmarks.memory_table`.

Weights of the base, the roles' adapters (rank 64 on q, k, v, o), the tables that grounder and verifier own, room for
four answerer adapters, and what is then left for KV on a 24 GB card. `--docs FILE` replaces the table between the
marks in a Markdown file. Shapes: the published configs of Qwen2-VL-2B and 7B.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

BEGIN, END = "<!-- memory table -->", "<!-- end of memory table -->"
BF16, FP8 = 2, 1
RANK, SLOTS, OWNERS = 64, 3 + 4, 2
GIB = 2**30
CARD, SHARE, ACTIVATIONS = 24e9, 0.9, 1.5 * GIB
"""A card's bytes, the share that vLLM takes, and about what activations and CUDA graphs need of it."""
VIEW_TOKENS = 75 * 64
"""Tokens of a view of 150 frames at the published size."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a Qwen2-VL; `tied` says that output projection and embedding are one matrix."""

    name: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    mlp: int
    vocabulary: int
    tied: bool
    head: int = 128
    vision_layers: int = 32
    vision: int = 1280
    vision_mlp: int = 5120

    @property
    def attention(self) -> int:
        """Numbers of q, k, v, o of a layer, biases aside."""
        return self.hidden * self.head * (2 * self.heads + 2 * self.kv_heads)

    def base(self, size: float) -> float:
        """Bytes of the base: linear layers of the text model at `size` bytes a number, the rest in bf16."""
        linear = self.layers * (self.attention + 3 * self.hidden * self.mlp)
        tables = self.vocabulary * self.hidden * (1 if self.tied else 2)
        block = 4 * self.vision**2 + 2 * self.vision * self.vision_mlp
        merged = 4 * self.vision
        vision = self.vision_layers * block + merged**2 + merged * self.hidden
        return linear * size + (tables + vision) * BF16

    def adapters(self) -> float:
        """Bytes of the slots for adapters on q, k, v, o."""
        queries, keys = self.heads * self.head, self.kv_heads * self.head
        ends = (self.hidden + queries) * 2 + (self.hidden + keys) * 2
        return SLOTS * self.layers * RANK * ends * BF16

    def owned(self) -> float:
        """Bytes of the embeddings and projections that grounder and verifier own."""
        return OWNERS * 2 * self.vocabulary * self.hidden * BF16

    def token(self) -> float:
        """Bytes of KV and hidden state of one token."""
        return BF16 * (2 * self.layers * self.kv_heads * self.head + self.hidden)


SHAPES = (
    Shape("2B", 28, 1536, 12, 2, 8960, 151_936, tied=True),
    Shape("7B", 28, 3584, 28, 4, 18944, 152_064, tied=False),
)


def table() -> str:
    """The Markdown table."""
    head = (
        f"| | base | tables of grounder and verifier | adapters ({SLOTS} slots, r {RANK}) | KV and state a token |"
        " left for KV on a 24 GB card | views of 150 frames in it |"
    )
    lines = [head, "|---|---|---|---|---|---|---|"]
    for shape in SHAPES:
        for kind, size in (("bf16", BF16), ("fp8", FP8)):
            base, owned, slots = shape.base(size), shape.owned(), shape.adapters()
            left = CARD * SHARE - ACTIVATIONS - base - owned - slots
            room = f"{left / GIB:.1f} GiB" if left > 0 else "does not fit"
            views = f"{int(left / shape.token() / VIEW_TOKENS)}" if left > 0 else "–"
            cells = (base / GIB, owned / GIB, slots / GIB)
            numbers = " | ".join(f"{cell:.2f} GiB" for cell in cells)
            lines.append(f"| {shape.name}, {kind} | {numbers} | {shape.token() / 1024:.1f} KiB | {room} | {views} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docs", type=Path, help="Markdown file with the marks")
    docs: Path | None = parser.parse_args().docs
    if docs is None:
        print(table())
        return
    before, rest = docs.read_text().split(BEGIN)
    docs.write_text(f"{before}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()

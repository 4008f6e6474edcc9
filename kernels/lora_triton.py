"""Batched multi-LoRA for CUDA, in Triton: one shrink and one expand for all adapters and slices of a layer.

Tokens are taken in the order of a routing, sorted by adapter where roles alternate, so that a tile of them shares its
factors (segmented gather matrix-vector product, SGMV: Punica, arXiv 2310.18547). Few tokens would leave most of the
device idle in the shrink; then its inner dimension is split, and the expand adds the parts up. Sums are in float32.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
import triton
import triton.language as tl
from torch import Tensor

from videomind.kernels.lora_stack import LoraStack
from videomind.kernels.routing import Routing

ENOUGH = 264
"""Programs that keep a device busy: two for each of an H200's 132 multiprocessors."""
RANKS, COLUMNS = 32, 64
"""Ranks and output columns of a tile."""
VECTOR = 16
"""What places must be multiples of for the compiler to have several numbers moved at a time."""


class Plan(NamedTuple):
    """How a batch is cut up.

    Attributes:
        rows: tokens of a tile.
        depth: inputs that a step of the shrink takes.
        splits: parts of the shrink's inner dimension.
    """

    rows: int
    depth: int
    splits: int


class Tables(NamedTuple):
    """Where the factors of a stack stand.

    Attributes:
        shrink: [adapters, 2], first row in A and number of rows.
        expand: [adapters, slices, 4], first rank among the adapter's, number of ranks, place of Bᵀ in memory, length of
            its rows there. No ranks where the adapter leaves the slice alone.
        dora: [2, adapters, out], stretch and stretch · bias in float32; None if no adapter is a DoRA.
        aligned: whether ranks and outputs are multiples of `VECTOR`, so that several numbers can be moved at a time.
    """

    shrink: Tensor
    expand: Tensor
    dora: Tensor | None
    aligned: bool


_tables: WeakKeyDictionary[LoraStack, Tables] = WeakKeyDictionary()


def add_lora_triton(y_NO: Tensor, x_NI: Tensor, stack: LoraStack, routing: Routing) -> Tensor:
    """The contract of `videomind.kernels.lora.add_lora`, on CUDA in float32, bfloat16 or float16."""
    assert x_NI.dtype == y_NO.dtype == stack.a.dtype
    assert x_NI.stride(1) == y_NO.stride(1) == 1
    found = _tables.get(stack)
    if found is None:
        found = _tables[stack] = tables(stack)
    inputs, widest = x_NI.shape[1], max(stack.ranks)
    rank_tiles = -(-widest // RANKS)
    cut = plan(routing, inputs, rank_tiles, x_NI.element_size())
    tiles, blocks = routing.tiles(cut.rows), _column_blocks(stack.outs, x_NI.device)
    moved = routing.places is not None
    places = routing.index if routing.places is None else routing.places  # read only if tokens are moved
    low = x_NI.new_empty(cut.splits, len(places), widest, dtype=torch.float32)
    _shrink[(len(tiles), rank_tiles, cut.splits)](
        x_NI,
        stack.a,
        low,
        places,
        tiles,
        found.shrink,
        x_NI.stride(0),
        inputs,
        len(places),
        widest,
        moved=moved,
        rows=cut.rows,
        ranks=RANKS,
        depth=cut.depth,
        splits=cut.splits,
    )
    _expand[(len(tiles), len(blocks))](
        y_NO,
        low,
        stack.b,
        found.dora,
        places,
        tiles,
        found.expand,
        blocks,
        y_NO.stride(0),
        len(places),
        widest,
        len(stack.outs),
        len(stack.adapters),
        sum(stack.outs),
        moved=moved,
        dora=found.dora is not None,
        aligned=found.aligned,
        rows=cut.rows,
        ranks=RANKS,
        columns=COLUMNS,
        splits=cut.splits,
    )
    return y_NO


def plan(routing: Routing, inputs: int, rank_tiles: int, itemsize: int) -> Plan:
    """Tiles about as long as the groups are, and as many splits as it takes to keep a device busy."""
    mean = sum(end - start for _, start, end in routing.groups) // len(routing.groups)
    rows = 16 if mean <= 16 else 32 if mean <= 128 else 64
    depth = 256 // itemsize
    programs, splits = len(routing.tiles(rows)) * rank_tiles, 1
    while splits < 16 and 2 * splits * programs <= ENOUGH and 2 * splits * depth <= inputs:
        splits *= 2
    return Plan(rows, depth, splits)


def tables(stack: LoraStack) -> Tables:
    """Read off a stack, on its device."""
    shrink, expand, row = [], [], 0
    dora = torch.zeros(2, len(stack.adapters), sum(stack.outs))
    for place, (adapted, rank) in enumerate(zip(stack.adapters, stack.ranks, strict=True)):
        shrink.append((row, rank))
        row += rank
        own = {part.columns.start: part for part in adapted.parts} if adapted else {}
        first = 0
        for out in stack.outs:
            part = own.get(first)
            first += out
            if part is None:
                expand.append((0, 0, 0, 0))
                continue
            expand.append((part.ranks.start, len(part.b), int(part.b.storage_offset()), part.b.stride(0)))
            if part.stretch is not None:
                dora[0, place, part.columns] = part.stretch.float()
                dora[1, place, part.columns] = 0 if part.bias is None else (part.stretch.float() * part.bias.float())
    device, shape = stack.a.device, (len(stack.adapters), len(stack.outs), 4)
    return Tables(
        torch.tensor(shrink, device=device),
        torch.tensor(expand, device=device).view(shape),
        dora.to(device) if dora.any() else None,
        all(number % VECTOR == 0 for number in (*stack.outs, *(number for entry in expand for number in entry))),
    )


@lru_cache(maxsize=64)
def _column_blocks(outs: tuple[int, ...], device: torch.device) -> Tensor:
    """Blocks of output columns [blocks, 4]: slice, first column in it, first column in all, width of the slice."""
    found, first = [], 0
    for place, out in enumerate(outs):
        found += [(place, column, first + column, out) for column in range(0, out, COLUMNS)]
        first += out
    return torch.tensor(found, device=device)


@triton.jit  # type: ignore[untyped-decorator]
def _shrink(  # type: ignore[no-untyped-def]
    x,
    a,
    low,
    places,
    tiles,
    table,
    x_stride,
    inputs,
    count,
    widest,
    moved: tl.constexpr,
    rows: tl.constexpr,
    ranks: tl.constexpr,
    depth: tl.constexpr,
    splits: tl.constexpr,
):
    """low[split] = x Aᵀ over the split's inputs, for a tile of tokens and a tile of their adapter's ranks."""
    tile, split = tiles + 3 * tl.program_id(0), tl.program_id(2)
    adapter = tl.load(tile)
    token = tl.load(tile + 1) + tl.arange(0, rows)
    here = token < tl.load(tile + 2)
    first, own = tl.load(table + 2 * adapter), tl.load(table + 2 * adapter + 1)
    rank = tl.program_id(1) * ranks + tl.arange(0, ranks)
    place = tl.load(places + token, mask=here, other=0) if moved else token
    x_row = x + place[:, None] * x_stride
    a_row = a + (first + rank)[None, :] * inputs
    total = tl.zeros((rows, ranks), dtype=tl.float32)
    for start in range(split * depth, inputs, splits * depth):
        at = start + tl.arange(0, depth)
        x_tile = tl.load(x_row + at[None, :], mask=here[:, None] & (at[None, :] < inputs), other=0.0)
        a_tile = tl.load(a_row + at[:, None], mask=(rank[None, :] < own) & (at[:, None] < inputs), other=0.0)
        total = tl.dot(x_tile, a_tile, total, input_precision="ieee")
    to = low + (split * count + token)[:, None] * widest + rank[None, :]
    tl.store(to, total, mask=here[:, None] & (rank[None, :] < widest))  # zeros beyond its own ranks


@triton.jit  # type: ignore[untyped-decorator]
def _expand(  # type: ignore[no-untyped-def]
    y,
    low,
    b,
    stretches,
    places,
    tiles,
    table,
    blocks,
    y_stride,
    count,
    widest,
    slices,
    adapters,
    outputs,
    moved: tl.constexpr,
    dora: tl.constexpr,
    aligned: tl.constexpr,
    rows: tl.constexpr,
    ranks: tl.constexpr,
    columns: tl.constexpr,
    splits: tl.constexpr,
):
    """y += (Σ low) Bᵀ, for a tile of tokens and a block of columns of one slice; DoRA: + stretch · (y − bias)."""
    tile, block = tiles + 3 * tl.program_id(0), blocks + 4 * tl.program_id(1)
    adapter = tl.load(tile)
    token = tl.load(tile + 1) + tl.arange(0, rows)
    here = token < tl.load(tile + 2)
    entry = table + (adapter * slices + tl.load(block)) * 4
    first, own, b_own, b_stride = tl.load(entry), tl.load(entry + 1), tl.load(entry + 2), tl.load(entry + 3)
    column, output, width = tl.load(block + 1), tl.load(block + 2), tl.load(block + 3)
    if aligned:
        first, b_own, b_stride = tl.multiple_of(first, 16), tl.multiple_of(b_own, 16), tl.multiple_of(b_stride, 16)
        column, output, width = tl.multiple_of(column, 16), tl.multiple_of(output, 16), tl.multiple_of(width, 16)
    columns_in, columns_out = column + tl.arange(0, columns), output + tl.arange(0, columns)
    inside = columns_in < width
    if own > 0:
        total = tl.zeros((rows, columns), dtype=tl.float32)
        for start in range(0, own, ranks):
            rank = start + tl.arange(0, ranks)
            from_low = low + token[:, None] * widest + (first + rank)[None, :]
            known = here[:, None] & ((first + rank)[None, :] < widest)
            low_tile = tl.load(from_low, mask=known, other=0.0)
            for split in range(1, splits):
                low_tile += tl.load(from_low + split * count * widest, mask=known, other=0.0)
            from_b = b + b_own + rank[:, None] * b_stride + columns_in[None, :]
            b_tile = tl.load(from_b, mask=(rank[:, None] < own) & inside[None, :], other=0.0)
            total = tl.dot(low_tile.to(b_tile.dtype), b_tile, total, input_precision="ieee")
        place = tl.load(places + token, mask=here, other=0) if moved else token
        at = y + place[:, None] * y_stride + columns_out[None, :]
        both = here[:, None] & inside[None, :]
        base = tl.load(at, mask=both, other=0.0).to(tl.float32)
        if dora:
            row = stretches + adapter * outputs + columns_out
            stretch = tl.load(row, mask=inside, other=0.0)
            kept = tl.load(row + adapters * outputs, mask=inside, other=0.0)
            total += base * stretch[None, :] - kept[None, :]
        tl.store(at, (base + total).to(y.dtype.element_ty), mask=both)

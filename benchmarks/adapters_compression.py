"""What joint compression costs and loses: `python -m benchmarks.adapters_compression [--docs docs/adapters.md]`.

Trains answerer adapters of the embedded model in dialects of their own (`benchmarks.dialects`), compresses them
together at several ranks, and examines each adapter that comes out of the set again. Beside it: the adapters as they
were, the base without any, each adapter cut to a lower rank alone, and the errors for random adapters with nothing in
common. Trained adapters are kept in the work folder, so running again continues. One thread. Writes one line per row
to benchmarks/results/adapters_compression.jsonl, and with --docs the table into that file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks.dialects import EXAMS, PLAIN, QUESTIONS, RANK, STEPS, School, dialect, train_adapters
from videomind.lora_switch.adapter import Adapter, LoRAPair
from videomind.lora_switch.compressed_files import expand_one, write_set
from videomind.lora_switch.compressed_set import (
    adapters_bytes,
    compress,
    errors_of_adapters,
    errors_of_modules,
    misses,
)
from videomind.lora_switch.compressible import read_adapters
from videomind.lora_switch.compression import Basis, miss, relative
from videomind.lora_switch.low_rank import truncate

RESULTS = Path(__file__).parent / "results" / "adapters_compression.jsonl"
BEGIN, END = "<!-- compression -->", "<!-- end of compression -->"
RANKS, CUTS = (8, 16, 24, 32, 48, 64, 96), (1, 2, 4)
HEAD = (
    "| adapters | bytes | times smaller | own bytes of each | error: mean (worst) | accuracy: mean (worst) |",
    "|---|--:|--:|--:|---|---|",
)
Adapters = Mapping[str, Adapter]


class Row(NamedTuple):
    """One way to keep the adapters.

    Attributes:
        way: "original", "base", "plain" (the base, examined in its own words), "joint", "cut" (each alone), "random".
        rank: of the shared basis, or of each adapter that was cut; None elsewhere.
        bytes: of all tensors.
        own: bytes that one adapter adds.
        errors: relative error of each adapter.
        accuracies: of each adapter, in its own dialect.
    """

    way: str
    rank: int | None = None
    bytes: int = 0
    own: int = 0
    errors: tuple[float, ...] = ()
    accuracies: tuple[float, ...] = ()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapters", type=int, default=24, help="how many to train")
    parser.add_argument("--work", type=Path, default=Path("runs/dialects"), help="where trained adapters are kept")
    parser.add_argument("--docs", type=Path, help="write the table between the markers of this file")
    given = parser.parse_args()
    torch.set_num_threads(1)
    school = School()
    folders, seconds = {}, []
    for folder, spent in train_adapters(school, given.work, given.adapters):
        folders[folder.name] = folder
        seconds.append(spent)
        print(folder, f"{spent:.0f} s", flush=True)
    rows = []
    with RESULTS.open("w") as file:
        for row in measure(school, read_adapters(folders)):
            rows.append(row)
            line = json.dumps({"benchmark": "adapters_compression", **row._asdict(), **_setup(seconds)})
            print(line, file=file, flush=True)
            print(_cells(row, rows[0]), flush=True)
    if given.docs:
        before, rest = given.docs.read_text().split(BEGIN)
        given.docs.write_text(f"{before}{BEGIN}\n{table(rows)}\n{END}{rest.split(END)[1]}")


def measure(school: School, adapters: Adapters) -> Iterator[Row]:
    """All rows, the originals first."""
    count, whole = len(adapters), adapters_bytes(adapters)
    nothing = (0.0,) * count
    yield Row("original", None, whole, whole // count, nothing, _examine(school, adapters))
    yield Row("base", errors=(1.0,) * count, accuracies=_examine(school, dict.fromkeys(adapters)))
    yield Row("plain", accuracies=(school.accuracy(None, PLAIN),))
    with tempfile.TemporaryDirectory() as folder:
        for rank in RANKS:
            yield joint(adapters, rank, Path(folder) / str(rank), school)
    for rank in CUTS:
        yield cut(adapters, rank, school)
    strangers = _strangers(adapters)
    for rank in RANKS:
        yield joint(strangers, rank)


def joint(adapters: Adapters, rank: int, folder: Path | None = None, school: School | None = None) -> Row:
    """Compressed together; examined, where there is a school, after a way through the disk."""
    made = compress(adapters, rank)
    missed = misses(made, adapters)
    errors = errors_of_adapters(missed)
    basis = sum(part.nbytes for basis in made.bases.values() for part in basis)
    accuracies: tuple[float, ...] = ()
    if school is not None and folder is not None:
        write_set(folder, made, errors, errors_of_modules(missed))
        accuracies = _examine(school, {name: expand_one(folder, name) for name in adapters})
    own = (made.bytes - basis) // len(adapters)
    return Row("random" if school is None else "joint", rank, made.bytes, own, tuple(errors.values()), accuracies)


def cut(adapters: Adapters, rank: int, school: School) -> Row:
    """Each adapter alone as the best of a lower rank."""
    less, errors = {}, []
    for name, adapter in adapters.items():
        pairs, lost = {}, []
        for module, pair in adapter.pairs.items():
            best = truncate(pair.scale * pair.b.double() @ pair.a.double(), rank)
            kept = LoRAPair(best.a.to(pair.a.dtype), best.b.to(pair.b.dtype), 1.0)
            lost.append(miss(pair, Basis(kept.b, kept.a), torch.eye(len(kept.a))))
            pairs[module] = kept
        less[name] = Adapter(pairs, {})
        errors.append(relative(lost))
    size = adapters_bytes(less)
    return Row("cut", rank, size, size // len(less), tuple(errors), _examine(school, less))


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    return "\n".join([*HEAD, *(_cells(row, rows[0]) for row in rows)])


def _cells(row: Row, original: Row) -> str:
    ways = {
        "original": f"{len(original.errors)} adapters of rank {RANK}",
        "base": "none: the base",
        "plain": "none: the base, in its own words",
        "joint": f"together, rank {row.rank}",
        "cut": f"each cut to rank {row.rank}",
        "random": f"random ones together, rank {row.rank}",
    }
    size = [f"{row.bytes:,}", f"{original.bytes / row.bytes:.2f}", f"{row.own:,}"] if row.bytes else ["–"] * 3
    errors = f"{_mean(row.errors):.3f} ({max(row.errors):.3f})" if row.errors else "–"
    accuracies = f"{_mean(row.accuracies):.3f} ({min(row.accuracies):.3f})" if row.accuracies else "–"
    return f"| {' | '.join([ways[row.way], *size, errors, accuracies])} |"


def _examine(school: School, adapters: Mapping[str, Adapter | None]) -> tuple[float, ...]:
    """Each adapter's accuracy in its dialect, by its place."""
    return tuple(school.accuracy(adapter, dialect(number)) for number, adapter in enumerate(adapters.values()))


def _strangers(adapters: Adapters) -> Adapters:
    """Random adapters of the same shapes."""
    torch.manual_seed(0)
    return {
        name: Adapter({m: LoRAPair(torch.randn_like(p.a), torch.randn_like(p.b), 1.0) for m, p in a.pairs.items()}, {})
        for name, a in adapters.items()
    }


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)


def _setup(seconds: list[float]) -> dict[str, Any]:
    """Where and with what it was measured; `seconds` of CPU went into each adapter."""
    return {
        "adapters": len(seconds),
        "steps": STEPS,
        "training_cpu_s": round(sum(seconds)),
        "questions_per_adapter": QUESTIONS * EXAMS,
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, 1 thread",
        "versions": {name: version(name) for name in ("torch", "transformers")},
    }


if __name__ == "__main__":
    main()

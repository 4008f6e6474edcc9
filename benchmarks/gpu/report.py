"""Result lines as Markdown tables."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence

from benchmarks.gpu.lines import Line


def report(lines: Sequence[Line]) -> str:
    """All tables that the lines are enough for, machine by machine."""
    machines = list(dict.fromkeys(map(_machine, lines)))
    return "\n".join(part for machine in machines for part in _of_machine(machine, lines))


def _of_machine(machine: str, lines: Sequence[Line]) -> Iterator[str]:
    yield f"## {machine}\n"
    own = [line for line in lines if _machine(line) == machine]
    for title, stage, head, rows in _TABLES:
        if measured := [line for line in own if line["stage"] == stage]:
            yield f"### {title}\n"
            yield f"| {' | '.join(head)} |"
            yield f"|{'---|' * len(head)}"
            yield from (f"| {' | '.join(row)} |" for row in rows(measured))
            yield ""


def _machine(line: Line) -> str:
    return f"{line['device']} ({line['machine']}), model {line['size']}, vLLM {line['vllm']}, torch {line['torch']}"


def _parity(lines: Iterable[Line]) -> Iterator[list[str]]:
    for line in lines:
        found, limits = line["vllm_deviation"], line["allowed"]
        own = line["torch_deviation"] or dict.fromkeys(("log", "span", "step", "next"), None)
        yield [
            line["bundle"],
            line["variant"],
            line["turn"],
            f"{found['free']:.0%}",
            *(
                f"{found[what]:{form}} ({sign} {limits[what]:{form}}; torch {_or_dash(own[what], form)})"
                for what, sign, form in (
                    ("step", "≥", ".0%"),
                    ("next", "≥", ".0%"),
                    ("log", "≤", ".2g"),
                    ("span", "≤", ".2g"),
                )
            ),
            f"{line['cached_tokens']:,} of {line['prompt_tokens']:,}",
            "yes" if line["passed"] else "**no**",
        ]


def _throughput(lines: Sequence[Line]) -> Iterator[list[str]]:
    for load in dict.fromkeys(line["load"] for line in lines):
        rates = {line["crowd"]: line["tokens_per_s"] for line in lines if line["load"] == load}
        for crowd, found in rates.items():
            row = [load, crowd, _spread(found, ",.0f")]
            for other in ("base", "one role"):
                row.append(_spread([a / b for a, b in zip(found, rates[other], strict=True)], ".2f"))
            yield [*row, str(len(found))]


def _latency(lines: Iterable[Line]) -> Iterator[list[str]]:
    for line in lines:
        seconds = statistics.median(line["engine_s"])
        yield [
            line["bundle"],
            line["what"],
            f"{statistics.median(line['seconds']):.3f}",
            _spread(line["engine_s"], ".3f"),
            f"{line['tflop']:.3g}",
            f"{line['floor_s']:.2g}",
            f"{line['steps_floor_s']:.2g}",
            f"{seconds / (line['floor_s'] + line['steps_floor_s']):.1f}",
            f"{line['cached_tokens']:,} of {line['prompt_tokens']:,}",
            str(line["encoded"]),
        ]


def _spread(numbers: Sequence[float], form: str) -> str:
    return f"{statistics.median(numbers):{form}} ({min(numbers):{form}}–{max(numbers):{form}})"


def _or_dash(number: float | None, form: str) -> str:
    return "–" if number is None else format(number, form)


_Rows = Callable[[Sequence[Line]], Iterator[list[str]]]
_TABLES: list[tuple[str, str, list[str], _Rows]] = [
    (
        "vLLM against torch in float32",
        "parity",
        [
            "bundle",
            "variant",
            "turn",
            "equal tokens, whole replies",
            "equal steps of decoding",
            "equal tokens after prefills",
            "log-probabilities, largest difference",
            "spans, largest difference",
            "prompt tokens from cache",
            "passed",
        ],
        _parity,
    ),
    (
        "Throughput of one batch (ratios within each turn)",
        "throughput",
        ["load", "batch of", "tokens/s: median (from–to)", "of the base's", "of one role's", "times"],
        _throughput,
    ),
    (
        "Latency (seconds, medians)",
        "latency",
        [
            "bundle",
            "what",
            "in all",
            "in the engine (from–to)",
            "TFLOP",
            "floor of prefills",
            "floor of decoding",
            "times the floor",
            "prompt tokens from cache",
            "views encoded",
        ],
        _latency,
    ),
]

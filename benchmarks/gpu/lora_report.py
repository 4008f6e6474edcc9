"""Result lines of `benchmarks.gpu_lora` as Markdown tables."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from benchmarks.gpu.lines import Line


def report(lines: Sequence[Line]) -> str:
    """All tables that the lines are enough for, machine by machine."""
    parts: list[str] = []
    for machine in dict.fromkeys(map(_machine, lines)):
        own = [line for line in lines if _machine(line) == machine]
        parts += [f"## {machine}\n", *_kernels([line for line in own if line["stage"] == "kernels"])]
        parts += _chains([line for line in own if line["stage"] == "chain"])
    return "\n".join(parts) + "\n"


def _machine(line: Line) -> str:
    return f"{line['device']} ({line['machine']}), torch {line['torch']}, vLLM {line['vllm']}"


def _kernels(lines: Sequence[Line]) -> Iterator[str]:
    """One table; of every way its time, and how many times ours it is."""
    if not lines:
        return
    ways = list(dict.fromkeys(name for line in lines for name in line["ways"]))
    others = [name for name in ways if name != "ours"]
    yield "### Adding adapters to q, k and v (µs; × ours)\n"
    yield f"| type | hidden | tokens | adapters | order | ours | GB/s | of the floor | {' | '.join(others)} | passed |"
    yield f"|{'---|' * (9 + len(others))}"
    for line in lines:
        ours = line["ways"]["ours"].get("us")
        kind = f"{line['dtype']}, interpreted" if line["interpreted"] else line["dtype"]
        row = [kind, *(f"{line[key]:,}" for key in ("hidden", "tokens", "adapters")), line["order"]]
        row += ["–"] * 3 if ours is None else [f"{ours:.1f}", f"{line['bytes'] / ours / 1e3:,.0f}"]
        row += [] if ours is None else [f"{line['floor_us'] / ours:.0%}"]
        for name in others:
            took = line["ways"].get(name, {}).get("us")
            row.append("–" if took is None or ours is None else f"{took:.1f} ({took / ours:.1f}×)")
        yield f"| {' | '.join([*row, 'yes' if line['passed'] else '**no**'])} |"
    yield ""


def _chains(lines: Sequence[Line]) -> Iterator[str]:
    if not lines:
        return
    yield "### Chains on the torch engine (seconds, medians)\n"
    yield "| bundle | what | in the engine | floor of prefills | floor of decoding | times the floor | from cache |"
    yield f"|{'---|' * 7}"
    for line in lines:
        seconds, floor = statistics.median(line["engine_s"]), line["floor_s"] + line["steps_floor_s"]
        row = [line["bundle"], line["what"], f"{seconds:.3f}", f"{line['floor_s']:.2g}", f"{line['steps_floor_s']:.2g}"]
        row += [f"{seconds / floor:.1f}", f"{line['cached_tokens']:,} of {line['prompt_tokens']:,}"]
        yield f"| {' | '.join(row)} |"
    yield ""

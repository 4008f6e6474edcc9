"""The table of docs/scaling.md, from the last line of `serve_load`: `python -m benchmarks.serve_load_table`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "serve_load.jsonl"
DOCS = Path(__file__).resolve().parents[1] / "docs" / "scaling.md"
BEGIN, END = "<!-- load: begin -->\n", "<!-- load: end -->"


def main() -> None:
    before, _, rest = DOCS.read_text(encoding="utf-8").partition(BEGIN)
    DOCS.write_text(before + BEGIN + table() + END + rest.partition(END)[2], encoding="utf-8")


def table() -> str:
    """The last measurement, for people."""
    line = json.loads(RESULTS.read_text(encoding="utf-8").splitlines()[-1])
    who = {"agent": "the agent alone", "one_client": "one client", "all_clients": f"{line['clients']} clients at once"}
    head = ["| | median | 95th percentile | questions a second |", "|---|---|---|---|"]
    return "\n".join([*head, *(_row(title, line[name]) for name, title in who.items()), "", _facts(line), ""])


def _row(title: str, seen: dict[str, Any]) -> str:
    return f"| {title} | {1000 * seen['p50_s']:.0f} ms | {1000 * seen['p95_s']:.0f} ms | {seen['per_second']:.1f} |"


def _facts(line: dict[str, Any]) -> str:
    bare, times = 1000 * line["agent"]["mean_s"], ("overhead", "overhead_loaded")
    alone, together = (f"{bare * line[time]:.1f} ms ({line[time]:.1%})" for time in times)
    counts, memory, errors = line["fairness"]["questions"], line["memory"], sum(line["errors"].values())
    return (
        f"In {line['seconds']:.0f} s on {line['machine']}: {sum(counts)} questions, {min(counts)} to {max(counts)} of "
        f"each client; {errors} errors; {line['differ']} results that differ from the agent's. The server adds {alone} "
        f"to the mean time of a question, {together} with all clients{_busy(line)}. Its memory, child processes "
        f"included, was {memory['first_mib']:.0f} MiB at first, {memory['last_mib']:.0f} MiB at the end, and grew by "
        f"{memory['growth_mib_per_minute']:.1f} MiB a minute over the second half."
    )


def _busy(line: dict[str, Any]) -> str:
    """What else ran on the machine, where it was enough to be felt."""
    busy = line.get("busy_before", 0.0)
    return f" (while other work kept {busy:.0f} processes busy)" if busy >= 1 else ""


if __name__ == "__main__":
    main()

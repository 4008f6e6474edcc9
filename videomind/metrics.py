"""What this process has done so far, counted for Prometheus. The server shows it; a program may show it as well."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing

from prometheus_client import Counter, Histogram

from videomind.errors import Cancelled
from videomind.events import Done, Event
from videomind.results import Result, RoleCall

MIB = 1 << 20
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60)
KV_BYTES = tuple(MIB * 4**power for power in range(-3, 7))
"""From 16 KiB to 4 GiB."""

ROLE_CALLS = Counter("videomind_role_calls", "Calls of a role.", ["role"])
ROLE_SECONDS = Histogram(
    "videomind_role_seconds", "Seconds of a call of a role (a batch's shared evenly).", ["role"], buckets=SECONDS
)
PROMPT_TOKENS = Counter("videomind_prompt_tokens", "Tokens of prompts, video tokens included.", ["role"])
CACHED_TOKENS = Counter("videomind_cached_tokens", "As many of them whose KV was there already.", ["role"])
VIEWS = Counter("videomind_views", "Clips that were looked at.", ["role"])
VIEWS_ENCODED = Counter("videomind_views_encoded", "As many of them for which the visual tower ran.", ["role"])
KV = Histogram("videomind_kv_bytes", "Bytes of KV cache that a call occupies.", ["role"], buckets=KV_BYTES)
QUESTIONS = Counter(
    "videomind_questions", "Questions, by how they ended: answered, not_found, failed or cancelled.", ["outcome"]
)


def count_calls(calls: Iterable[RoleCall]) -> None:
    """Add finished calls of roles."""
    for call in calls:
        role, usage = call.role, call.usage
        ROLE_CALLS.labels(role).inc()
        ROLE_SECONDS.labels(role).observe(call.seconds)
        PROMPT_TOKENS.labels(role).inc(usage.prompt_tokens)
        CACHED_TOKENS.labels(role).inc(usage.cached_tokens)
        VIEWS.labels(role).inc()
        VIEWS_ENCODED.labels(role).inc(usage.encoded)
        if usage.kv_bytes:
            KV.labels(role).observe(usage.kv_bytes)


def count_question(events: Generator[Event, None, None]) -> Generator[Event]:
    """The events of one question as they come; how it ended is counted."""
    end: Result | Exception | None = None
    with closing(events):
        try:
            for event in events:
                if isinstance(event, Done):
                    end = event.result
                yield event
        except Exception as error:
            end = error
            raise
        finally:
            _count_end(end)


def count_questions(
    ends: Generator[tuple[int, Result | Exception], None, None], count: int
) -> Generator[tuple[int, Result | Exception]]:
    """The ends of so many questions that are asked together, with their places, as they come; each is counted."""
    with closing(ends):
        try:
            for place, end in ends:
                _count_end(end)
                count -= 1
                yield place, end
        finally:
            for _ in range(count):
                _count_end(None)


def _count_end(end: Result | Exception | None) -> None:
    """Counts a question by its end: its result or its error; None where it was given up before."""
    match end:
        case None | Cancelled():
            outcome = "cancelled"
        case Exception():
            outcome = "failed"
        case _:
            outcome = "answered" if end.found else "not_found"
    QUESTIONS.labels(outcome).inc()

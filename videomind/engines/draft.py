"""What a reply will probably go on with: guessed from earlier replies of the role and from the prompt.

A guess costs little, since a forward of a few tokens takes hardly longer than one of a single token, and it is taken
only where greedy decoding says the same (prompt lookup decoding, a kind of speculative decoding, arXiv 2211.17192).
Planners repeat their JSON and the words of the question, answerers the phrases of other answers.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

GRAMS = (3, 2)
"""Tokens in a row by which a place is known again, the surest first."""
TAIL = GRAMS[0]
"""Tokens of a prompt's end that a reply's beginning is known by."""
MOST = 16
"""Tokens that are guessed at once."""
REMEMBERED = 64
"""Replies of a role that are kept at least, and at most twice as many."""


class Lookup:
    """Texts in which the last tokens of a reply are looked up; of several places the latest counts."""

    def __init__(self, texts: Sequence[Sequence[int]] = ()) -> None:
        self.texts: list[list[int]] = []
        self._places: dict[tuple[int, ...], tuple[int, int]] = {}
        for text in texts:
            self.add(text)

    def add(self, text: Sequence[int]) -> None:
        """Add a text."""
        number, tokens = len(self.texts), list(text)
        self.texts.append(tokens)
        for size in GRAMS:
            for end in range(size, len(tokens)):
                self._places[tuple(tokens[end - size : end])] = (number, end)

    def after(self, tail: Sequence[int], size: int) -> list[int]:
        """What followed the last `size` tokens of the tail; nothing where they never stood together."""
        place = self._places.get(tuple(tail[-size:]))
        return [] if place is None else self.texts[place[0]][place[1] : place[1] + MOST]


class Drafter:
    """Guesses for all roles. Safe to share between threads."""

    def __init__(self) -> None:
        self._lookups: dict[str, Lookup] = {}
        self._lock = threading.Lock()

    def learn(self, role: str, prompt: Sequence[int], reply: Sequence[int]) -> None:
        """Remember a whole reply, its stop token included, and the last tokens of its prompt."""
        with self._lock:
            lookup = self._lookups.setdefault(role, Lookup())
            if len(lookup.texts) == 2 * REMEMBERED:
                lookup = self._lookups[role] = Lookup(lookup.texts[REMEMBERED:])
            lookup.add([*prompt[-TAIL:], *reply])

    def draft(self, role: str, prompt: Lookup, tail: Sequence[int]) -> list[int]:
        """What probably follows.

        Args:
            role: who speaks.
            prompt: the text that it answers.
            tail: tokens of prompt and reply so far, at least the last few.
        """
        with self._lock:
            replies = self._lookups.get(role)
        for size in GRAMS:
            for lookup in (replies, prompt):
                if lookup is not None and (guess := lookup.after(tail, size)):
                    return guess
        return []

    def begin(self, role: str, prompt: Sequence[int], most: int) -> tuple[int, ...]:
        """What a reply of at most `most` tokens to this prompt probably begins with, as earlier ones did."""
        with self._lock:
            replies = self._lookups.get(role)
        return () if replies is None else tuple(replies.after(prompt[-TAIL:], TAIL)[: most - 1])

    def forget(self) -> None:
        """Forget all replies."""
        with self._lock:
            self._lookups.clear()

"""The text of a reply while its tokens arrive."""

from __future__ import annotations

from videomind.model.prompt import PromptEncoder


class ReplyText:
    """Collects reply tokens; text is given out once its characters are whole."""

    def __init__(self, encoder: PromptEncoder) -> None:
        self._encoder = encoder
        self._ids: list[int] = []
        self._shown = ""

    def add(self, token: int) -> str:
        """What this token makes showable; "" while a character's bytes are not all there."""
        self._ids.append(token)
        text = self.text
        if text.endswith("\ufffd"):
            return ""
        return self._show(text)

    def rest(self) -> str:
        """What is left at the end."""
        return self._show(self.text)

    @property
    def text(self) -> str:
        """All of it."""
        return self._encoder.decode(self._ids)

    def _show(self, text: str) -> str:
        new, self._shown = text[len(self._shown) :], text
        return new

"""Tokens that the base never saw: added to the tokenizer, each with rows of its own that are trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from videomind.lora_switch.bundle import SpecialTokens
from videomind.lora_switch.rows import TokenRows, with_own_columns, with_own_rows
from videomind.model.prompt import PromptEncoder
from videomind.training.model_source import ModelSource

MULTIPLE = 64
"""A matrix that must grow, grows to a multiple of this."""


class NewRows(nn.Module):
    """The rows of new tokens in the input embedding and in the output projection. They begin at the base's means.

    Args:
        ids: the k tokens.
        embed_VH: the base's input embedding.
        head_VH: the base's output projection.
    """

    ids: Tensor

    def __init__(self, ids: Sequence[int], embed_VH: Tensor, head_VH: Tensor) -> None:
        super().__init__()
        self.register_buffer("ids", torch.tensor(ids))
        self.embed, self.head = (nn.Parameter(_mean(matrix, len(ids))) for matrix in (embed_VH, head_VH))

    def embedded(self, embeds: Tensor, ids: Tensor) -> Tensor:
        """See `TokenRows.embedded`; with gradients."""
        return with_own_rows(embeds, ids, self.ids, self.embed)

    def scored(self, logits: Tensor, states: Tensor) -> Tensor:
        """See `TokenRows.scored`; with gradients."""
        return with_own_columns(logits, states, self.ids, self.head)

    def to_rows(self) -> TokenRows:
        """As bundles keep them."""
        return TokenRows(*(tensor.detach().cpu().clone() for tensor in (self.ids, self.embed, self.head)))


def add_tokens(encoder: PromptEncoder, tokens: SpecialTokens) -> bool:
    """Give the tokenizer the tokens of the roles that it lacks; whether there were any."""
    from tokenizers import AddedToken

    texts = (tokens.reg, tokens.seg_start, tokens.seg_end)
    missing = [text for text in texts if len(encoder.ids(text)) != 1]
    if missing:
        added = [AddedToken(text, special=True, normalized=False) for text in missing]
        encoder.tokenizer.add_tokens(added, special_tokens=True)
    return bool(missing)


def new_ids(source: ModelSource, encoder: PromptEncoder) -> list[int]:
    """Ids of the tokens that this role uses and the base was not made with."""
    tokens = source.manifest.special_tokens
    used = {"grounder": (tokens.reg,), "verifier": (tokens.seg_start, tokens.seg_end)}.get(source.role, ())
    if not used:
        return []
    own = PromptEncoder(source.base, encoder.merge)
    return [encoder.token_id(text) for text in used if len(own.ids(text)) != 1]


@torch.no_grad()
def make_room(model: Any, ids: Sequence[int]) -> bool:
    """Let the embedding hold these ids: grow it where it has no spare rows for them. Whether it grew.

    New rows are the mean of the others, and no role uses them: those of new tokens are the role's own.
    """
    before = model.get_input_embeddings().num_embeddings
    if not ids or max(ids) < before:
        return False
    model.resize_token_embeddings(max(ids) + 1, pad_to_multiple_of=MULTIPLE, mean_resizing=False)
    for matrix in (model.get_input_embeddings().weight, model.get_output_embeddings().weight):
        matrix[before:] = matrix[:before].float().mean(0).to(matrix.dtype)
    return True


def _mean(matrix_VH: Tensor, count: int) -> Tensor:
    """The mean row and a little noise, so that new tokens differ from each other."""
    matrix = matrix_VH.detach().float()
    return matrix.mean(0) + 0.1 * matrix.std(0) * torch.randn(count, matrix.shape[1], device=matrix.device)

"""The model as it is trained: the backbone with a role's adapter, token rows and decoder, and its losses."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from videomind.kernels.nms import Rows
from videomind.model.byte_cache import ByteCache
from videomind.model.decoder import DecoderOutput, TimestampDecoder
from videomind.model.qwen2_vl import Qwen2VLBackbone
from videomind.training.collate import IGNORE, Batch
from videomind.training.encode import Moments, SeenView
from videomind.training.losses import decoder_loss, pad_spans
from videomind.training.rows import NewRows
from videomind.vision.patches import normalize_patches

VISUAL_CACHE_BYTES = 1 << 29
DECODER_PARTS = ("focal", "offset", "contrast")


class Pixels(NamedTuple):
    """The processor's `image_mean` and `image_std`."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


class Trainable(nn.Module):
    """Computes what the engine computes, with gradients, and the losses of DESIGN sec. 3.

    Args:
        model: transformers' Qwen2-VL, the adapter already on its text model; `backbone` was made of it.
        backbone: the same, as we drive it.
        pixels: how pixels are normalised.
        adapter: PEFT's model around the text model, or None where the backbone itself learns.
        rows: of new tokens, or None.
        decoder: for the grounder.
        train_visual: whether the visual tower learns along; if not, its outputs are kept and used again.
    """

    def __init__(
        self,
        model: Any,
        backbone: Qwen2VLBackbone,
        pixels: Pixels,
        *,
        adapter: Any = None,
        rows: NewRows | None = None,
        decoder: TimestampDecoder | None = None,
        train_visual: bool = False,
    ) -> None:
        super().__init__()
        self.model, self.final_norm = model, backbone.final_norm
        self.rows, self.decoder = rows, decoder
        self.backbone, self.pixels = backbone, pixels
        self._adapter = [adapter]  # in a list, so that it is not taken for a submodule: its layers are in the model
        self._train_visual = train_visual
        self._views = ByteCache[Tensor](VISUAL_CACHE_BYTES)
        self._offsets: list[int] = []
        if adapter is not None and getattr(adapter.active_peft_config, "alora_invocation_tokens", None):
            self._tell_offsets()

    @property
    def adapter(self) -> Any:
        """PEFT's model around the text model, or None."""
        return self._adapter[0]

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The losses: "reply", the decoder's parts and their weighted sum "decoder", and the sum of all, "loss".

        Each is a mean over the examples, so that batches of equal size can be averaged.
        """
        return self.losses(self.states(batch), batch)

    def losses(self, states: Tensor, batch: Batch) -> dict[str, Tensor]:
        """As `forward`, of states that are there already."""
        parts = {"reply": self._reply_loss(states, batch)}
        if self.decoder is not None:
            parts |= self._decoder_loss(states, batch)
        total = parts["reply"] + parts.get("decoder", torch.zeros_like(parts["reply"]))
        return {"loss": total} | parts

    def states(self, batch: Batch) -> Tensor:
        """Hidden states [B, L, H] before the final norm."""
        embeds = F.embedding(batch.ids, self.backbone.embed_tokens.weight)
        if self.rows is not None:
            embeds = self.rows.embedded(embeds, batch.ids)
        visual = torch.cat([self._encode(view) for view in batch.views]).to(embeds.dtype)
        embeds = embeds.index_put((batch.visual_at[0], batch.visual_at[1]), visual)
        length = batch.ids.shape[1]
        self._offsets[:] = [length - start for start in batch.acts_from]
        return self.backbone.forward(embeds, batch.positions)

    def logits(self, states: Tensor) -> Tensor:
        """Float32 logits [..., V] of pre-norm states."""
        normed = self.final_norm(states)
        logits = F.linear(normed, self.backbone.lm_head.weight).float()
        return logits if self.rows is None else self.rows.scored(logits, normed)

    @torch.no_grad()
    def spans(self, states: Tensor, batch: Batch) -> list[Rows]:
        """The grounder's spans for every example of the batch (see `TimestampDecoder.spans`)."""
        assert self.decoder is not None
        found: list[Rows] = []
        for row, (view, moments) in enumerate(zip(batch.views, batch.moments, strict=True)):
            assert moments is not None
            frames = self._frames(states, batch, row, view)
            found.append(self.decoder.spans(frames, states[row, moments.reg_at].float()))
        return found

    def _reply_loss(self, states: Tensor, batch: Batch) -> Tensor:
        """Cross-entropy, the mean over the tokens of a reply and then over replies."""
        learned = batch.targets != IGNORE
        missed = F.cross_entropy(self.logits(states[learned]), batch.targets[learned], reduction="none")
        row = learned.nonzero()[:, 0]
        sums = torch.zeros(len(batch.ids), device=missed.device).index_add(0, row, missed)
        return (sums / learned.sum(1)).mean()

    def _decoder_loss(self, states: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Examples of one length share a pass; each is normalised on its own."""
        assert self.decoder is not None
        by_length: dict[int, list[int]] = defaultdict(list)
        for row, view in enumerate(batch.views):
            by_length[view.grid[0]].append(row)
        losses: list[dict[str, Tensor]] = []
        with torch.autocast(states.device.type, enabled=False):
            for rows in by_length.values():
                moments = [_known(batch.moments[row]) for row in rows]
                frames = torch.stack([self._frames(states, batch, row, batch.views[row]) for row in rows])
                query = torch.stack([states[row, m.reg_at] for row, m in zip(rows, moments, strict=True)]).float()
                out = self.decoder(frames, query, every_layer=True)
                losses += [_one_loss(out, i, m) for i, m in enumerate(moments)]
        parts = {name: torch.stack([loss[name] for loss in losses]).mean() for name in (*DECODER_PARTS, "loss")}
        return {name: parts[name] for name in DECODER_PARTS} | {"decoder": parts["loss"]}

    def _frames(self, states: Tensor, batch: Batch, row: int, view: SeenView) -> Tensor:
        """Mean state [T, H] of each frame pair, in float32."""
        columns = batch.visual_at[1][batch.visual_at[0] == row]
        frames: Tensor = states[row, columns].float().unflatten(0, (view.grid[0], -1)).mean(1)
        return frames

    def _encode(self, view: SeenView) -> Tensor:
        def encode() -> Tensor:
            patches = normalize_patches(view.patches, self.pixels.mean, self.pixels.std)
            return self.backbone.encode(patches, view.grid)

        if self._train_visual:
            return encode()
        with torch.no_grad():
            return self._views.get(view.key, encode)[0]

    def _tell_offsets(self) -> None:
        """Let every layer of an aLoRA know where it begins to act, also when checkpointing computes it again."""

        from peft.tuners.lora import LoraLayer

        def tell(module: nn.Module, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
            return args, kwargs | {"alora_offsets": self._offsets}

        for module in self.adapter.modules():
            if isinstance(module, LoraLayer):
                module.register_forward_pre_hook(tell, with_kwargs=True)


def _one_loss(out: DecoderOutput, row: int, moments: Moments) -> dict[str, Tensor]:
    """The decoder's loss of one example of a pass."""
    own = slice(row, row + 1)
    one = DecoderOutput(out.logits[:, own], out.offsets[:, own], out.video[:, own], out.query[:, own], out.points)
    device = out.logits.device
    return decoder_loss(one, pad_spans([moments.spans]).to(device), torch.tensor([moments.choice], device=device))


def _known(moments: Moments | None) -> Moments:
    assert moments is not None
    return moments

"""The shapes of random models: the published one on Qwen2-VL-2B, and the same scaled down for CPUs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from videomind.roles.spec import CELL, PUBLISHED_VIEWS, View


@dataclass(frozen=True, slots=True)
class Size:
    """Attributes:
    name: how it is asked for.
    hidden, layers, heads, kv_heads, mlp: of the text model.
    vocabulary: tokens, those that the roles add included.
    context: longest prompt with reply, in tokens.
    depth, vision, vision_heads: layers, width and heads of the visual tower.
    rank: of the roles' adapters, whose alpha is the same.
    dims: width of the timestamp decoder.
    dtype: of the weights as stored.
    views: what each role looks at.
    prompts: tokens of each role's prompt before the question.
    replies: tokens that planner and answerer say; a random model does not stop by itself.
    piece, chunk: tokens in a forward: the most that CUDA graphs are captured for (2 × the batch), and some of a prompt.
    side: pixels of a side of the (square) videos.
    seconds: length of the videos.
    """

    name: str
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    mlp: int
    vocabulary: int
    context: int
    depth: int
    vision: int
    vision_heads: int
    rank: int
    dims: int
    dtype: str
    views: dict[str, View]
    prompts: dict[str, int] = field(default_factory=lambda: {"planner": 330, "grounder": 110, "verifier": 70})
    replies: int = 40
    piece: int = 128
    chunk: int = 1024
    side: int = 448
    seconds: int = 160

    @property
    def head(self) -> int:
        """Width of a head of the text model."""
        return self.hidden // self.heads

    @property
    def shared_view(self) -> View:
        """The one view of planner and grounder in a bundle of activated adapters: the grounder's."""
        return self.views["grounder"]


def _scaled(view: View) -> View:
    """A tenth of the frames, an eighth of the pixels."""
    return replace(
        view,
        max_frames=max(4, view.max_frames // 10),
        min_pixels=view.min_pixels // CELL // 8 * CELL,
        max_pixels=view.max_pixels // CELL // 8 * CELL,
    )


SIZES = {
    "2b": Size(
        name="2b",
        hidden=1536,
        layers=28,
        heads=12,
        kv_heads=2,
        mlp=8960,
        vocabulary=151_936,
        context=32_768,
        depth=32,
        vision=1280,
        vision_heads=16,
        rank=64,
        dims=256,
        dtype="bfloat16",
        views=PUBLISHED_VIEWS,
    ),
    "0.3b": Size(
        name="0.3b",
        hidden=1024,
        layers=16,
        heads=16,
        kv_heads=4,
        mlp=2816,
        vocabulary=16_384,
        context=32_768,
        depth=12,
        vision=768,
        vision_heads=12,
        rank=64,
        dims=256,
        dtype="float32",
        views=PUBLISHED_VIEWS,
    ),
    "tiny": Size(
        name="tiny",
        hidden=128,
        layers=3,
        heads=4,
        kv_heads=2,
        mlp=256,
        vocabulary=1024,
        context=4096,
        depth=2,
        vision=64,
        vision_heads=2,
        rank=8,
        dims=32,
        dtype="float32",
        views={role: _scaled(view) for role, view in PUBLISHED_VIEWS.items()},
        prompts={"planner": 33, "grounder": 11, "verifier": 7},
        replies=16,
        piece=64,
        chunk=64,
        side=168,
        seconds=24,
    ),
}

"""What the trained grounder finds, as candidates for the verifier to learn from (arXiv 2503.13444, sec. 3.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from videomind.results import Candidate
from videomind.roles.grounder import spans_from_decoder
from videomind.roles.verifier import MAX_CANDIDATES, crop_for
from videomind.synth.questions import Query
from videomind.synth.world import sample_scene
from videomind.training.nano.features import Clip
from videomind.training.nano.forward import frame_states, states
from videomind.training.nano.language import Lessons
from videomind.training.nano.packing import WINDOW
from videomind.training.nano.specs import ROLE_SPECS
from videomind.training.nano.talks import ground_talk, queries_of_prediction

ROWS = 16


def predicted_clips(lessons: Lessons, indices: Sequence[int]) -> Iterator[Clip]:
    """The crops of the grounder's five best candidates for each query about some of the whole videos."""
    store = lessons.stores["whole"]
    for places in _of_one_length(lessons, indices):
        asked = [queries_of_prediction(sample_scene(store.clips[i].seed, lessons.world)) for i in places]
        for i, found in zip(places, ground(lessons, places, asked), strict=True):
            clip = store.clips[i]
            for query, candidates in enumerate(found):
                for best in candidates[:MAX_CANDIDATES]:
                    crop = crop_for(best.start, best.end, clip.span[1], ROLE_SPECS["verifier"].min_span)
                    yield Clip(clip.seed, crop.span, (best.start, best.end), query)


@torch.inference_mode()
def ground(
    lessons: Lessons, places: Sequence[int], queries: Sequence[Sequence[Query]]
) -> list[list[tuple[Candidate, ...]]]:
    """Candidates for each query about each of some whole clips with the same number of frame pairs."""
    store, decoder = lessons.stores["whole"], lessons.trainee.decoder.eval()
    tokens = [store.tokens[i].to(lessons.device).float() for i in places]
    talks = [[ground_talk(query).talk for query in asked] for asked in queries]
    batch = lessons.packer.pack(len(tokens[0]) // WINDOW, talks).to(lessons.device)
    hidden = states(lessons.trainee.model, batch, tokens, invoked=lessons.invoked).last
    frames = frame_states(hidden, batch).float()
    found = []
    for row, i in enumerate(places):
        asking = hidden[row, batch.replies[row] + lessons.reg_offset].float()
        duration = store.clips[i].span[1]
        found.append([spans_from_decoder(decoder.spans(frames[row], q).tolist(), duration) for q in asking])
    decoder.train()
    return found


def _of_one_length(lessons: Lessons, indices: Sequence[int]) -> Iterator[list[int]]:
    """The indices in groups of at most `ROWS` whose clips have the same number of frame pairs."""
    store, groups = lessons.stores["whole"], dict[int, list[int]]()
    for i in indices:
        group = groups.setdefault(len(store.tokens[i]), [])
        group.append(i)
        if len(group) == ROWS:
            yield group.copy()
            group.clear()
    yield from (group for group in groups.values() if group)

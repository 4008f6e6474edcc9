"""ActivityNet Captions: a record per sentence."""

from __future__ import annotations

from videomind.annotations.activitynet_captions import Sentence, file_names, sentences
from videomind.training.readers.base import Layout, Row


def row(sentence: Sentence) -> Row:
    fields = {"duration": sentence.data["duration"], "query": sentence.text, "spans": [sentence.times]}
    return Row(file_names(sentence.video), fields)


ACTIVITYNET_CAPTIONS = Layout("grounder", sentences, row)

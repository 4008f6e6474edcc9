"""The embedded model as it is committed."""

from __future__ import annotations

import json

from safetensors import safe_open
from transformers import AutoTokenizer

from videomind.lora_switch.bundle import NANO, load_bundle
from videomind.roles.verifier import NO, YES
from videomind.training.nano.export import RECORD, weight_hashes
from videomind.training.nano.specs import REG, ROLE_SPECS, SEG_END, SEG_START

MAX_BYTES = 25_000_000
MAX_PARAMETERS = 8_000_000


def test_it_is_small() -> None:
    assert sum(file.stat().st_size for file in NANO.rglob("*") if file.is_file()) <= MAX_BYTES
    parameters = 0
    for file in NANO.rglob("*.safetensors"):
        with safe_open(file, "pt") as weights:
            for name in weights.keys():  # noqa: SIM118 (no mapping)
                size = 1
                for side in weights.get_slice(name).get_shape():
                    size *= side
                parameters += size
    assert 1_000_000 < parameters <= MAX_PARAMETERS


def test_its_record_is_of_these_weights() -> None:
    record = json.loads((NANO / RECORD).read_text())
    assert record["sha256"] == weight_hashes(NANO)
    assert {"visual", "base", "grounder", "answerer", "verifier", "planner"} <= record["stages"].keys()


def test_its_roles_are_those_it_was_trained_for() -> None:
    roles = load_bundle(NANO).roles
    assert {name: role.spec for name, role in roles.items()} == ROLE_SPECS


def test_its_tokenizer_keeps_what_must_be_one_token() -> None:
    tokenizer = AutoTokenizer.from_pretrained(NANO / "base")
    for text in (YES, NO, REG, SEG_START, SEG_END):
        assert len(tokenizer(text, add_special_tokens=False).input_ids) == 1
    prefix = ROLE_SPECS["grounder"].reply_prefix
    alone = tokenizer(prefix, add_special_tokens=False).input_ids
    chat = tokenizer.apply_chat_template(
        [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": "Find it."}]}],
        tokenize=False,
        add_generation_prompt=True,
    )
    assert tokenizer(chat + prefix, add_special_tokens=False).input_ids[-len(alone) :] == alone
    assert alone[-1] == tokenizer.convert_tokens_to_ids(REG)
    assert tokenizer("".join(map(chr, range(32, 500)))).input_ids

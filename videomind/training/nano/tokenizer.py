"""The embedded model's own tokenizer: a small byte-level BPE with Qwen2-VL's control tokens and chat form."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from videomind.roles.planner import plan_reply
from videomind.synth.questions import absent_query, queries, questions
from videomind.synth.world import World, sample_scene

CONTROL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<|reg|>",
    "<|seg_start|>",
    "<|seg_end|>",
)
VOCABULARY = 768
CORPUS_SCENES = 600
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for content in message['content'] %}"
    "{% if content['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% elif content['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif 'text' in content %}{{ content['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def train_tokenizer(world: World, seed: int, more: Iterable[str] = ()) -> PreTrainedTokenizerFast:
    """A tokenizer of at most 768 tokens for the texts of `world` and `more` (role prompts and replies)."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(CONTROL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    raw.train_from_iterator([*_corpus(world, seed), *more], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(CONTROL[1:]),
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        model_max_length=4096,
    )


def _corpus(world: World, seed: int) -> Iterable[str]:
    rng = Random(seed)
    for index in range(CORPUS_SCENES):
        scene = sample_scene(seed + index, world)
        for question in questions(scene, rng):
            yield question.text
            yield question.answer
            yield plan_reply(question.query)
            yield "\n".join(option.capitalize() for option in question.choices)
        yield from (query.text for query in queries(scene, rng))
        yield absent_query(scene, rng).text
        yield "Yes" if index % 2 else "No"

"""The model class against lmms-eval's contract, with the embedded model and real videos."""

import importlib
import importlib.util
import json
import logging
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests import tiny
from tests.evaluation import lmms_eval_relied_on as relied_on
from videomind.agent import Agent
from videomind.errors import InputError, VideoError
from videomind.evaluation.lmms_eval import MODEL_ID, manifest
from videomind.synth.questions import questions
from videomind.synth.video import write_scene
from videomind.synth.world import sample_scene

MODULE = "videomind.evaluation.lmms_eval.model"
DIRECTLY = "Answer with the option's letter from the given choices directly."

needs_lmms_eval = pytest.mark.skipif(not relied_on.INSTALLED, reason=f"needs lmms-eval: {relied_on.HOW}")


@dataclass(frozen=True)
class Doc:
    video: str
    question: str
    options: tuple[str, ...]
    answer: str

    @property
    def prompt(self) -> str:
        listed = [f"{letter}. {option}" for letter, option in zip("ABCD", self.options, strict=False)]
        return "\n".join([self.question, *listed, DIRECTLY])


def messages(doc: Doc) -> list[dict[str, Any]]:
    content = [{"type": "video", "url": doc.video}, {"type": "text", "text": doc.prompt}]
    return [{"role": "user", "content": content}]


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> list[Doc]:
    """Eight questions about two videos in turn."""
    folder, asked = tmp_path_factory.mktemp("videos"), []
    for seed in (901, 902):
        scene, rng = sample_scene(seed), Random(seed)
        video = write_scene(scene, folder / f"{seed}.mp4", size=56)
        about = [question for question in questions(scene, rng) if len(question.choices) > 2][:4]
        chosen = [question.with_options(rng) for question in about]
        asked.append([Doc(str(video), q.text, q.options, q.letter) for q in chosen])
    return [doc for pair in zip(*asked, strict=True) for doc in pair]


@pytest.fixture(scope="module")
def model_class() -> Iterator[Any]:
    """Our class on lmms-eval, or where that is not installed on its stand-in."""
    with pytest.MonkeyPatch.context() as patch:
        if not relied_on.INSTALLED:
            relied_on.stand_in(patch)
        yield importlib.import_module(MODULE).VideoMind
        sys.modules.pop(MODULE)


@pytest.fixture(scope="module")
def model(model_class: Any) -> Iterator[Any]:
    model = model_class(device="cpu", batch_size="2")
    yield model
    model.clean()


def requests_for(
    model: Any, docs: list[Doc], ask: Callable[[Doc], list[dict[str, Any]]] = messages, **generation: Any
) -> list[Any]:
    instance = importlib.import_module("lmms_eval.api.instance").Instance
    model.task_dict["synth"] = {"test": docs}
    return [
        instance(
            "generate_until",
            arguments=(doc.prompt, ask, dict(generation), number, "synth", "test"),
            idx=0,
            metadata={"task": "synth", "doc_id": number, "repeats": 1},
        )
        for number, doc in enumerate(docs)
    ]


def test_importing_the_package_imports_no_lmms_eval() -> None:
    code = "import sys, videomind.evaluation.lmms_eval as m, videomind.evaluation.lmms_eval.chat; print(m.MODEL_ID, "
    code += "[name for name in ('lmms_eval', 'torch') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "videomind []"


def test_lmms_eval_is_told_where_the_class_is(model_class: Any) -> None:
    told = manifest()
    assert (told.model_id, told.simple_class_path) == (MODEL_ID, None)
    assert told.chat_class_path == f"{model_class.__module__}.{model_class.__name__}"
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["lmms_eval.models"] == {MODEL_ID: "videomind.evaluation.lmms_eval:manifest"}


def test_the_class_has_what_the_evaluator_asks_for(model: Any, model_class: Any) -> None:
    assert model_class.is_simple is False
    assert set(dir(model)) >= relied_on.ABSTRACT | relied_on.MODEL_ATTRIBUTES
    assert (model.rank, model.world_size, model.device.type) == (0, 1, model.accelerator.device.type)


def test_replies_are_the_agents_letters_in_the_order_of_the_requests(model: Any, docs: list[Doc]) -> None:
    replies = model.generate_until(requests_for(model, docs))
    with Agent.from_pretrained(device="cpu") as agent:
        expected = []
        for doc in docs:
            answer = agent.ask(doc.video, doc.question, options=doc.options).answer
            assert answer is not None
            expected.append(answer.option)
    assert replies == expected
    assert len(set(expected)) > 1
    assert sum(reply == doc.answer for reply, doc in zip(replies, docs, strict=True)) >= 5


def test_an_open_question_is_answered_with_text_up_to_a_stop_string(model: Any, docs: list[Doc]) -> None:
    def openly(doc: Doc) -> list[dict[str, Any]]:
        content = [{"type": "video", "url": doc.video}, {"type": "text", "text": doc.question}]
        return [{"role": "user", "content": content}]

    (whole,) = model.generate_until(requests_for(model, docs[:1], openly))
    assert len(whole) > 1
    (cut,) = model.generate_until(requests_for(model, docs[:1], openly, until=[whole[1]]))
    assert cut == whole[0]


def test_a_request_it_is_not_for_is_named_before_anything_is_asked(model: Any, docs: list[Doc]) -> None:
    def pictures(doc: Doc) -> list[dict[str, Any]]:
        return [{"role": "user", "content": [{"type": "image", "url": doc.video}, {"type": "text", "text": "What?"}]}]

    requests = [*requests_for(model, docs[:1]), *requests_for(model, docs, pictures)[1:2]]
    with pytest.raises(InputError, match=r"^task synth, document 1: .*not image"):
        model.generate_until(requests)


def test_missing_videos_are_named_before_anything_is_asked(model: Any, docs: list[Doc]) -> None:
    gone = Doc("/nowhere/x.mp4", docs[0].question, docs[0].options, "A")
    with pytest.raises(VideoError, match=r"1 of the videos are not there: /nowhere/x\.mp4"):
        model.generate_until(requests_for(model, [docs[0], gone]))


def test_a_damaged_video_costs_its_own_replies_only(
    model: Any, docs: list[Doc], tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(MODULE), "disabled", False)  # libraries that set up logging switch others off
    (tmp_path / "noise.mp4").write_bytes(b"no video at all")
    damaged = Doc(str(tmp_path / "noise.mp4"), docs[0].question, docs[0].options, "A")
    first, second = model.generate_until(requests_for(model, [damaged, docs[0]]))
    assert first == ""
    assert second in "ABCD"
    assert "noise.mp4" in caplog.text


def test_clean_frees_the_model_and_only_unusable_input_is_passed_over(model_class: Any, docs: list[Doc]) -> None:
    model = model_class(device="cpu")
    model.clean()
    with pytest.raises(AttributeError):
        model.generate_until(requests_for(model, docs[:1]))


def test_what_a_chain_of_roles_cannot_do_says_so(model: Any) -> None:
    with pytest.raises(NotImplementedError, match="likelihoods"):
        model.loglikelihood([])
    with pytest.raises(NotImplementedError, match="several rounds"):
        model.generate_until_multi_round([])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"batch_size": "auto"}, "batch_size is 'auto'"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"compat": "yes"}, "compat is 'yes'"),
        ({"engine": "llama"}, "no engine 'llama'"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(model_class: Any, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        model_class(device="cpu", **arguments)


def test_a_model_that_does_not_answer_is_refused(model_class: Any, tmp_path: Path) -> None:
    finds_only = tiny.write_bundle(tmp_path / "finds-only", roles=("grounder", "verifier"))
    with pytest.raises(InputError, match="has no answerer"):
        model_class(str(finds_only), device="cpu")


@needs_lmms_eval
def test_what_is_relied_on_is_there() -> None:
    from lmms_eval.api.instance import Instance
    from lmms_eval.api.model import lmms
    from lmms_eval.models.registry_v2 import ModelManifest

    assert lmms.__abstractmethods__ == relied_on.ABSTRACT
    assert set(Instance.__dataclass_fields__) >= relied_on.INSTANCE
    assert set(ModelManifest.__dataclass_fields__) == set(relied_on.ModelManifest.__dataclass_fields__)
    assert set(dir(lmms)) >= {"rank", "world_size", "clean", "is_simple"}


@needs_lmms_eval
def test_the_registry_of_lmms_eval_takes_the_class(model_class: Any) -> None:
    from lmms_eval.models.registry_v2 import ModelRegistryV2

    registry = ModelRegistryV2()
    registry.register_manifest(manifest())
    assert registry.get_model_class(MODEL_ID) is model_class


@needs_lmms_eval
@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("evaluate") is None, reason="lmms-eval is here without `evaluate`")
def test_the_evaluator_scores_a_task_of_ours(docs: list[Doc], tmp_path: Path) -> None:
    lines = [json.dumps({"video": doc.video, "prompt": doc.prompt, "answer": doc.answer}) for doc in docs]
    (tmp_path / "synth.jsonl").write_text("\n".join(lines))
    (tmp_path / "synth_choice.py").write_text('def video(doc):\n    return [doc["video"]]\n')
    (tmp_path / "synth_choice.yaml").write_text(
        f"task: synth_choice\ndataset_path: json\ndataset_kwargs:\n  data_files:\n    test: {tmp_path}/synth.jsonl\n"
        "test_split: test\noutput_type: generate_until\ndoc_to_visual: !function synth_choice.video\n"
        "doc_to_text: prompt\ndoc_to_target: answer\n"
        "metric_list:\n  - metric: exact_match\n    aggregation: mean\n    higher_is_better: true\n"
    )
    command = [sys.executable, "-m", "lmms_eval", "--model", MODEL_ID, "--model_args", "device=cpu"]
    command += ["--include_path", str(tmp_path), "--tasks", "synth_choice", "--output_path", str(tmp_path / "out")]
    environment = os.environ | {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (results,) = (tmp_path / "out").rglob("*_results.json")
    assert json.loads(results.read_text())["results"]["synth_choice"]["exact_match,none"] >= 5 / len(docs)

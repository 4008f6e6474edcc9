"""`role.json`: written and read back, and every mistake named by file and key."""

import json
import subprocess
import sys
from typing import Any

import pytest

from videomind.errors import BundleError
from videomind.roles.spec import PUBLISHED_VIEWS, RoleSpec, spec_from_json, spec_to_json

GROUNDER = RoleSpec("grounder", "Find: {query}", PUBLISHED_VIEWS["grounder"], reply_prefix="It is <|reg|>.")


def edited(**changes: Any) -> dict[str, Any]:
    """The JSON of a good role with some keys changed; keys of its view are written `view_…`."""
    data = spec_to_json(GROUNDER)
    for key, value in changes.items():
        part = data["view"] if key.startswith("view_") else data
        part[key.removeprefix("view_")] = value
    return data


def test_a_role_survives_being_written_and_read() -> None:
    assert spec_from_json(json.loads(json.dumps(spec_to_json(GROUNDER))), "role.json") == GROUNDER


def test_a_role_may_leave_out_what_has_a_default() -> None:
    view = {"fps": 1, "max_frames": 8, "min_pixels": 784, "max_pixels": 3136}
    spec = spec_from_json({"name": "answerer", "prompt": "", "view": view}, "role.json")
    assert (spec.view.min_frames, spec.max_new_tokens, spec.user_text("Why?")) == (4, 256, "Why?")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ([1], "the file: must be a JSON object"),
        ({}, "name: this key is missing"),
        (edited(colour="red"), "colour: unknown key"),
        (edited(view=[]), "view: must be a JSON object"),
        (edited(name="cook"), "name: a role is one of planner, grounder, verifier, answerer, not 'cook'"),
        (edited(view_fps=0), "view.fps: must be greater than 0, not 0"),
        (edited(view_fps=float("nan")), "view.fps: must be a finite number"),
        (edited(view_max_frames=1), "view.max_frames: must be greater than or equal to 2"),
        (edited(view_max_frames=4097), "view.max_frames: must be less than or equal to 4096"),
        (edited(view_max_frames="8"), "view.max_frames: must be a valid integer, not '8'"),
        (edited(view_min_pixels=783), "view.min_pixels: must be greater than or equal to 784"),
        (edited(view_min_pixels=10**6), "view: min_pixels is at most max_pixels"),
        (edited(prompt="no place for it"), 'prompt: a prompt holds "{query}" exactly once'),
        (edited(prompt="{query}{query}"), 'prompt: a prompt holds "{query}" exactly once'),
        (edited(prompt="x" * 100_001), "prompt: String should have at most 100000 characters"),
        (edited(activation="alora"), '"alora" comes with an invocation text'),
        (edited(invocation="<|go|>"), '"lora" with none'),
        (edited(activation="dora"), "activation: must be 'lora' or 'alora', not 'dora'"),
        (edited(min_span=-1), "min_span: must be greater than or equal to 0"),
    ],
)
def test_a_mistake_is_named_by_file_and_key(data: object, problem: str) -> None:
    with pytest.raises(BundleError) as caught:
        spec_from_json(data, "model/grounder/role.json")
    assert str(caught.value).startswith("model/grounder/role.json: ")
    assert problem in str(caught.value)
    assert len(str(caught.value)) < 200


def test_roles_load_no_heavy_library() -> None:
    code = (
        "import sys; from videomind.roles import answerer, grounder, planner, question, spec, verifier; "
        "print([m for m in ('torch', 'numpy', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

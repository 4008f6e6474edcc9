"""The published role prompts are read from the user's own file and never executed."""

import json
from pathlib import Path

import pytest

from videomind.errors import BundleError
from videomind.lora_switch.prompts import read_prompts

PROMPTS = {
    "PLANNER_PROMPT": 'Plan as [{{"type": "grounder"}}]. The question: \'{}\'.',
    "GROUNDER_PROMPT": "Find '{}'.",
    "VERIFIER_PROMPT": "Is it '{}'?",
}
TEMPLATES = {
    "planner": 'Plan as [{"type": "grounder"}]. The question: \'{query}\'.',
    "grounder": "Find '{query}'.",
    "verifier": "Is it '{query}'?",
}


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def python_file(folder: Path, verifier: str, before: str = "") -> Path:
    others = "PLANNER_PROMPT = 'Plan {}'\nGROUNDER_PROMPT = '{}'"
    return write(folder, "constants.py", f"{before}\n{others}\n{verifier}\n")


def test_json_becomes_templates(tmp_path: Path) -> None:
    assert read_prompts(write(tmp_path, "prompts.json", json.dumps(PROMPTS | {"OTHER": 3}))) == TEMPLATES


def test_a_python_file_of_constants_becomes_templates(tmp_path: Path) -> None:
    text = '''
import os  # ignored, never run
SEG_S, SEG_E = "a", "b"
REG_TOKEN: str = "<reg>"
QUOTED = "the question: '{}'"
PLANNER_PROMPT = ('Plan as [{{"type": "grounder"}}]. '
                  "The question: '{}'.")
GROUNDER_PROMPT = "Find " + f"'{{}}'."
VERIFIER_PROMPT = f"""Is it '{'{}'}'?"""
print(os.getcwd())
'''
    assert read_prompts(write(tmp_path, "constants.py", text)) == TEMPLATES


def test_f_strings_may_hold_earlier_constants(tmp_path: Path) -> None:
    path = python_file(tmp_path, 'VERIFIER_PROMPT = f"between {SEG} and {SEG}: {{}}"', before='SEG = "<seg>"')
    assert read_prompts(path)["verifier"] == "between <seg> and <seg>: {query}"


@pytest.mark.parametrize(
    "value",
    [
        'open("/etc/hostname").read()',
        '"{}".strip()',
        '"{}" * 3',
        'f"{UNKNOWN} {{}}"',
        'f"{SEG!r} {{}}"',
        'f"{SEG:>9} {{}}"',
        '"{}" if True else ""',
        'b"{}"',
        "3",
        "GROUNDER_PROMPT + COMPUTED",
    ],
)
def test_what_would_have_to_be_executed_is_refused_with_its_line(tmp_path: Path, value: str) -> None:
    path = python_file(tmp_path, f"VERIFIER_PROMPT = {value}", before="SEG = 'x'; COMPUTED = str(1)")
    with pytest.raises(BundleError, match=r"constants\.py, line 4: VERIFIER_PROMPT is no string constant"):
        read_prompts(path)


def test_a_constant_that_doubles_itself_again_and_again_is_refused(tmp_path: Path) -> None:
    bomb = "A0 = 'xxxxxxxx'\n" + "\n".join(f"A{i} = A{i - 1} + A{i - 1}" for i in range(1, 60))
    with pytest.raises(BundleError, match="VERIFIER_PROMPT is no string constant"):
        read_prompts(python_file(tmp_path, "VERIFIER_PROMPT = A59 + '{}'", before=bomb))


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("no place", "has 0 field"),
        ("{} and {}", "has 2 field"),
        ("{question}", "has 1 field"),
        ("{!r}", "has 1 field"),
        ("a { b", "no template"),
        ("{} and {{query}}", "has 1 field"),
    ],
)
def test_a_prompt_needs_one_place_for_the_query(tmp_path: Path, template: str, problem: str) -> None:
    path = write(tmp_path, "prompts.json", json.dumps(PROMPTS | {"VERIFIER_PROMPT": template}))
    with pytest.raises(BundleError, match=problem):
        read_prompts(path)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("prompts.json", '{"PLANNER_PROMPT": "{}"}', "no GROUNDER_PROMPT, VERIFIER_PROMPT"),
        ("prompts.json", '{"PLANNER_PROMPT": 3}', "PLANNER_PROMPT is no string"),
        ("prompts.json", "[]", "no JSON object"),
        ("prompts.json", "PLANNER_PROMPT = '{}'", "no valid JSON"),
        ("prompts.json", "[" * 200_000, "no valid JSON"),
        ("constants.py", "def f(:", "no valid Python"),
        ("constants.py", "a\0b", "no valid Python"),
        ("constants.py", "", "no PLANNER_PROMPT"),
        ("constants.py", "#" * 1_000_001, "larger than 1,000,000 bytes"),
    ],
)
def test_an_unusable_file_is_one_clear_error(tmp_path: Path, name: str, text: str, problem: str) -> None:
    with pytest.raises(BundleError, match=problem):
        read_prompts(write(tmp_path, name, text))


def test_a_missing_or_binary_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot read the prompts: No such file"):
        read_prompts(tmp_path / "none.json")
    (tmp_path / "prompts.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BundleError, match="no text in UTF-8"):
        read_prompts(tmp_path / "prompts.json")

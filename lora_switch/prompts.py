"""The role prompts of published checkpoints, read from the user's own copy and never executed."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from string import Formatter

from videomind.errors import BundleError

PROMPT_NAMES = {"planner": "PLANNER_PROMPT", "grounder": "GROUNDER_PROMPT", "verifier": "VERIFIER_PROMPT"}
MAX_BYTES = 1_000_000


def read_prompts(path: str | Path) -> dict[str, str]:
    """The templates of planner, grounder and verifier, with `{query}` where the question or query goes.

    Args:
        path: a JSON object, or a Python file of string constants (`*.py`), with the names PLANNER_PROMPT,
            GROUNDER_PROMPT and VERIFIER_PROMPT, written for `str.format` with a single `{}`. A Python value
            may join constants: literals side by side, `+`, parentheses, f-strings of constants above it.

    Returns:
        The template of each role, e.g. `{"planner": "… the question: '{query}'. …", …}`.

    Raises:
        BundleError: the file cannot be read, or a name is missing or has a value of another kind.
    """
    path = Path(path)
    text = _read_text(path)
    texts = _python_constants(text, path) if path.suffix == ".py" else _json_strings(text, path)
    if missing := [name for name in PROMPT_NAMES.values() if name not in texts]:
        raise BundleError(f"{path}: no {', '.join(missing)}: give JSON or a .py file that defines them")
    return {role: _to_template(texts[name], f"{path}: {name}") for role, name in PROMPT_NAMES.items()}


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise BundleError(f"{path}: larger than {MAX_BYTES:,} bytes, so no file of prompts")
        return data.decode()
    except OSError as error:
        raise BundleError(f"{path}: cannot read the prompts: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BundleError(f"{path}: no text in UTF-8: give JSON or a .py file of string constants") from None


def _json_strings(text: str, path: Path) -> dict[str, str]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path}: no valid JSON ({error}); a Python file ends in .py") from None
    if not isinstance(data, dict):
        raise BundleError(f"{path}: holds no JSON object with the keys {', '.join(PROMPT_NAMES.values())}")
    for name in PROMPT_NAMES.values():
        if name in data and not isinstance(data[name], str):
            raise BundleError(f"{path}: {name} is no string")
    return data


def _python_constants(text: str, path: Path) -> dict[str, str]:
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BundleError(f"{path}: no valid Python ({error})") from None
    constants: dict[str, str] = {}
    for statement in module.body:
        for name, value in _assigned(statement):
            try:
                constants[name] = _constant(value, constants)
            except (BundleError, RecursionError) as error:
                constants.pop(name, None)
                if name in PROMPT_NAMES.values():
                    where = f"{path}, line {value.lineno}"
                    raise BundleError(f"{where}: {name} is no string constant: {error}") from None
    return constants


def _assigned(statement: ast.stmt) -> list[tuple[str, ast.expr]]:
    match statement:
        case ast.Assign(targets=targets, value=value):
            return [(target.id, value) for target in targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            return [(name, value)]
    return []


def _constant(node: ast.expr, constants: dict[str, str]) -> str:
    """The string an expression of constants stands for; BundleError names the part that is none."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.Name(id=name) if name in constants:
            return constants[name]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _join([_constant(left, constants), _constant(right, constants)])
        case ast.JoinedStr(values=parts):
            return _join([_constant(part, constants) for part in parts])
        case ast.FormattedValue(value=inner, conversion=-1, format_spec=None):
            return _constant(inner, constants)
    raise BundleError(f"`{ast.unparse(node)[:60]}` would have to be executed or is defined nowhere above")


def _join(parts: list[str]) -> str:
    if sum(map(len, parts)) > MAX_BYTES:
        raise BundleError(f"it is longer than {MAX_BYTES:,} characters")
    return "".join(parts)


def _to_template(text: str, where: str) -> str:
    """`str.format` syntax to ours: its one `{}` becomes `{query}`, doubled braces become single ones."""
    try:
        pieces = list(Formatter().parse(text))
    except ValueError as error:
        raise BundleError(f"{where} is no template for str.format: {error}") from None
    fields = [(name, spec, conversion) for _, name, spec, conversion in pieces if name is not None]
    template = "".join(literal + ("" if name is None else "{query}") for literal, name, _, _ in pieces)
    if fields != [("", "", None)] or template.count("{query}") != 1:
        raise BundleError(f"{where} has {len(fields)} field(s) in braces: give a single {{}} for the query")
    return template

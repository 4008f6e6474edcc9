"""docs/training.md says what can be set. `python -m tests.training.test_train_docs` writes its tables anew."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from typer.main import get_command

from videomind.cli.main import app
from videomind.training.config import FilterConfig, MethodConfig, RoleConfig, TrainConfig

PAGE = Path(__file__).parents[2] / "docs" / "training.md"
MARKS = re.compile(r"(<!-- settings -->\n).*?(<!-- end of settings -->)", re.DOTALL)
SECTIONS: dict[str, type[BaseModel]] = {"role": RoleConfig, "method": MethodConfig, "filters": FilterConfig}


def tables() -> str:
    """One table for the run, and one for each section of a config file."""
    parts = [_table(TrainConfig)]
    parts += [f"`[{name}]`\n\n{_table(section)}" for name, section in SECTIONS.items()]
    return "\n".join(parts)


def _table(model: type[BaseModel]) -> str:
    rows = [
        f"| `{name}` | {_default(field.get_default(call_default_factory=True))} | {field.description} |"
        for name, field in model.model_fields.items()
        if name not in SECTIONS
    ]
    return "\n".join(["| setting | by default | what it is |", "|---|---|---|", *rows, ""])


def _default(value: Any) -> str:
    if value is None or value in ((), {}):
        return "none"
    plain = isinstance(value, str | int | float | tuple | bool)
    return f"`{json.dumps(value)}`" if plain else "needed"


def test_the_tables_are_those_of_the_code() -> None:
    found = MARKS.search(PAGE.read_text())
    assert found is not None
    assert found[0] == f"<!-- settings -->\n{tables()}<!-- end of settings -->", "run this file as a module"


def test_every_setting_is_described() -> None:
    for model in (TrainConfig, *SECTIONS.values()):
        for name, field in model.model_fields.items():
            assert field.description, name


def test_every_flag_of_the_page_is_there() -> None:
    commands: Any = get_command(app)
    text = PAGE.read_text().replace("\\\n", " ")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    checked = 0
    for line in lines:
        words = shlex.split(line, comments=True)
        at = next((i for i, word in enumerate(words) if word in ("videomind", "videomind.cli")), None)
        if at is None:
            continue
        options = {name for one in commands.commands[words[at + 1]].params for name in one.opts}
        used = {word for word in words[at:] if word.startswith("--")}
        assert used <= options, f"{line}: no {used - options}"
        checked += 1
    assert checked > 5


if __name__ == "__main__":
    PAGE.write_text(MARKS.sub(lambda match: f"{match[1]}{tables()}{match[2]}", PAGE.read_text()))

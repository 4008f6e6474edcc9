"""The documentation names what the code knows."""

from pathlib import Path

import pytest

from videomind.evaluation.tasks import TASKS

DOCS = Path(__file__).resolve().parents[3] / "docs" / "evaluation.md"


@pytest.mark.parametrize("name", TASKS)
def test_the_page_on_evaluation_names_every_task_with_its_licence_and_paths(name: str) -> None:
    task = TASKS[name]
    row = next((line for line in DOCS.read_text().splitlines() if line.startswith(f"| `{name}`")), None)
    assert row is not None, f"no row of the table begins with | `{name}`"
    for said in (task.title, task.licence, f"`{task.annotations[task.split]}`", f"`{task.videos[0]}`"):
        assert said in row

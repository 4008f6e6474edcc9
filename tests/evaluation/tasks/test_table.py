"""The table of tasks, and the published results beside it."""

import pytest

from videomind.evaluation.published import PUBLISHED
from videomind.evaluation.tasks import TASKS
from videomind.evaluation.tasks.mvbench import FILES
from videomind.results import Protocol

NAMES = (
    "charades_sta activitynet_captions qvhighlights tacos ego4d_nlq activitynet_rtl nextgqa rextime cgbench deveqa "
    "videomme mlvu lvbench mvbench longvideobench didemo jsonl"
)


def test_every_task_is_there_in_order() -> None:
    known = list(TASKS)
    assert [name for name in known if name in NAMES.split()] == NAMES.split()


@pytest.mark.parametrize("name", NAMES.split())
def test_a_task_is_complete(name: str) -> None:
    task = TASKS[name]
    assert task.name == name
    assert task.split in task.annotations
    assert task.title
    assert task.source
    assert task.licence
    expected = ["videomind", "fixed"] if name == "jsonl" else ["official", "videomind", "fixed"]
    assert [variant.name for variant in task.variants] == expected


def test_protocols_are_those_of_the_published_evaluation() -> None:
    units = {name: task.protocol.unit for name, task in TASKS.items() if task.protocol.unit != Protocol().unit}
    assert units == {
        "charades_sta": 0.1,
        "activitynet_captions": 0.01,
        "qvhighlights": 2.0,
        "activitynet_rtl": 0.01,
        "nextgqa": 0.1,
        "rextime": 1.0,
        "didemo": 1.0,
    }
    crops = {name: task.protocol.min_crop for name, task in TASKS.items() if task.protocol.min_crop}
    assert crops == {"rextime": 64.0, "mvbench": 64.0}


def test_published_results_belong_to_tasks_splits_and_variants_that_exist() -> None:
    assert set(NAMES.split()) - set(PUBLISHED) == {"didemo", "jsonl"}
    for name, published in PUBLISHED.items():
        assert published.split in TASKS[name].annotations
        assert published.variant in [variant.name for variant in TASKS[name].variants]
        assert list(published.rows) == ["VideoMind-2B", "VideoMind-7B"]


def test_published_tasks_of_mvbench_make_the_published_average() -> None:
    published = PUBLISHED["mvbench"]
    for model, tasks in published.tasks.items():
        assert set(tasks) == set(FILES)
        assert sum(tasks.values()) / 20 == pytest.approx(published.rows[model]["Acc"], abs=0.05)

"""Benchmarks: one file per task, and the table of them."""

from __future__ import annotations

from videomind.errors import InputError
from videomind.evaluation.tasks.activitynet_captions import ACTIVITYNET_CAPTIONS
from videomind.evaluation.tasks.activitynet_rtl import ACTIVITYNET_RTL
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.tasks.cgbench import CGBENCH
from videomind.evaluation.tasks.charades_sta import CHARADES_STA
from videomind.evaluation.tasks.deveqa import DEVEQA
from videomind.evaluation.tasks.didemo import DIDEMO_TASK
from videomind.evaluation.tasks.ego4d_nlq import EGO4D_NLQ
from videomind.evaluation.tasks.jsonl import JSONL
from videomind.evaluation.tasks.longvideobench import LONGVIDEOBENCH_TASK
from videomind.evaluation.tasks.lvbench import LVBENCH_TASK
from videomind.evaluation.tasks.mlvu import MLVU_TASK
from videomind.evaluation.tasks.mvbench import MVBENCH_TASK
from videomind.evaluation.tasks.nextgqa import NEXTGQA
from videomind.evaluation.tasks.qvhighlights import QVHIGHLIGHTS
from videomind.evaluation.tasks.rextime import REXTIME_TASK
from videomind.evaluation.tasks.synth import SYNTH
from videomind.evaluation.tasks.tacos import TACOS
from videomind.evaluation.tasks.videomme import VIDEOMME

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        CHARADES_STA,
        ACTIVITYNET_CAPTIONS,
        QVHIGHLIGHTS,
        TACOS,
        EGO4D_NLQ,
        ACTIVITYNET_RTL,
        NEXTGQA,
        REXTIME_TASK,
        CGBENCH,
        DEVEQA,
        VIDEOMME,
        MLVU_TASK,
        LVBENCH_TASK,
        MVBENCH_TASK,
        LONGVIDEOBENCH_TASK,
        DIDEMO_TASK,
        JSONL,
        SYNTH,
    )
}


def task(name: str) -> Task:
    """The task of that name.

    Raises:
        InputError: there is none.
    """
    if name not in TASKS:
        raise InputError(f"no task is called {name!r}: choose from {', '.join(TASKS)}")
    return TASKS[name]

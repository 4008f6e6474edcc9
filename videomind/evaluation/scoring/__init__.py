"""Ways of scoring: one file per family of benchmarks, and `score`, which applies several at once."""

from videomind.evaluation.scoring.cg_bench import CG_BENCH
from videomind.evaluation.scoring.choice import LONGVIDEOBENCH, LVBENCH, MLVU, MVBENCH, VIDEO_MME
from videomind.evaluation.scoring.deve_qa import DEVE_QA
from videomind.evaluation.scoring.didemo import DIDEMO
from videomind.evaluation.scoring.ego4d_nlq import EGO4D_NLQ
from videomind.evaluation.scoring.fixed import FIXED
from videomind.evaluation.scoring.lita_rtl import LITA_RTL
from videomind.evaluation.scoring.moment_detr import MOMENT_DETR
from videomind.evaluation.scoring.next_gqa import NEXT_GQA
from videomind.evaluation.scoring.rextime import REXTIME
from videomind.evaluation.scoring.score import Scores, score
from videomind.evaluation.scoring.two_d_tan import TWO_D_TAN
from videomind.evaluation.scoring.videomind import VIDEOMIND, VIDEOMIND_CGBENCH
from videomind.evaluation.scoring.videomind_qvhighlights import VIDEOMIND_QVHIGHLIGHTS

__all__ = [
    "CG_BENCH",
    "DEVE_QA",
    "DIDEMO",
    "EGO4D_NLQ",
    "FIXED",
    "LITA_RTL",
    "LONGVIDEOBENCH",
    "LVBENCH",
    "MLVU",
    "MOMENT_DETR",
    "MVBENCH",
    "NEXT_GQA",
    "REXTIME",
    "TWO_D_TAN",
    "VIDEOMIND",
    "VIDEOMIND_CGBENCH",
    "VIDEOMIND_QVHIGHLIGHTS",
    "VIDEO_MME",
    "Scores",
    "score",
]

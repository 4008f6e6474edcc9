"""Official submission formats, by task. Tasks that are not here have none: nobody takes predictions for them."""

from videomind.evaluation.submissions.base import Submission
from videomind.evaluation.submissions.choice import LONGVIDEOBENCH, LVBENCH, MLVU, MVBENCH, VIDEOMME
from videomind.evaluation.submissions.grounded_qa import DEVEQA, NEXTGQA, REXTIME
from videomind.evaluation.submissions.grounding import EGO4D_NLQ, QVHIGHLIGHTS

SUBMISSIONS: dict[str, Submission] = {
    "qvhighlights": QVHIGHLIGHTS,
    "ego4d_nlq": EGO4D_NLQ,
    "nextgqa": NEXTGQA,
    "rextime": REXTIME,
    "deveqa": DEVEQA,
    "videomme": VIDEOMME,
    "mlvu": MLVU,
    "lvbench": LVBENCH,
    "mvbench": MVBENCH,
    "longvideobench": LONGVIDEOBENCH,
}

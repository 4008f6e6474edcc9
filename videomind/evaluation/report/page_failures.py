"""The worst samples of each run as HTML: question, truth, prediction, and a film strip with both marked."""

from __future__ import annotations

from html import escape

from videomind.evaluation.report.compare import Comparison
from videomind.evaluation.report.failures import given_answer, is_failure, true_answer, worst
from videomind.evaluation.report.page_table import chip
from videomind.evaluation.report.row import Row, Span
from videomind.evaluation.report.runs import TaskRun
from videomind.evaluation.report.strips import Strip, Strips
from videomind.evaluation.report.values import share
from videomind.vision.canvas import clock

MOST_TEXT = 300
"""Characters of a question, option, reply or error that are shown."""


def failures(task: Comparison, strips: Strips) -> str:
    """A list per run, the worst first."""
    return "".join(_list(number, label, run, strips) for number, label, run in task.present)


def _list(number: int, label: str, run: TaskRun, strips: Strips) -> str:
    shown = worst(run.rows)
    count = sum(map(is_failure, run.rows))
    heading = f"<h3>{chip(number)}Failures of {escape(label)}</h3>"
    if not shown:
        return f'{heading}<p class="soft">None: no error, no wrong option, no IoU below 0.5.</p>'
    of = f"the {len(shown)} worst of {count}" if count > len(shown) else f"{count}"
    told = f"{of} failed, were answered wrongly or located badly (IoU below 0.5), in {len(run.rows)} samples"
    cards = "".join(_card(row, strips.of(run.videos, row.video)) for row in shown)
    return f'{heading}<p class="soft">{escape(told[0].upper() + told[1:])}.</p><div class="failures">{cards}</div>'


def _card(row: Row, strip: Strip) -> str:
    lines = [f'<p class="question">{_text(row.question)}</p>']
    if row.error is not None:
        lines.append(f'<p><span class="less">failed</span> {_text(row.error)}</p>')
    else:
        lines += _answers(row)
    lines.append(_pictures(row, strip))
    lines.append(f'<p class="key">{_text(row.video)} · {_text(row.id)}</p>')
    return f'<article class="failure">{"".join(lines)}</article>'


def _answers(row: Row) -> list[str]:
    truth, given = true_answer(row), given_answer(row)
    side = {True: "more", False: "less", None: "soft"}[row.right]
    lines = [f"<p>right: {_text(truth)}</p>"] if truth else []
    return [*lines, f'<p>answered: <span class="{side}">{_text(given)}</span></p>'] if given else lines


def _pictures(row: Row, strip: Strip) -> str:
    duration = row.duration or strip.duration
    picture = f'<img class="strip" alt="frames of the video" src="{strip.uri}">' if strip.uri else ""
    problem = f'<p class="key">{_text(strip.problem)}</p>' if strip.problem else ""
    if not duration or (not row.truth and row.best is None):
        return picture + problem
    predicted = () if row.best is None else (row.best,)
    tracks = _track("truth", row.truth, duration) + _track("predicted", predicted, duration)
    if strip.duration is not None and abs(strip.duration - duration) > 1 + 0.05 * duration:
        tracks = f'<p class="key">the frames are of the whole file, the question is about {clock(duration)} of it</p>'
    return (
        f"{picture}{tracks}"
        f'<p class="key"><span class="chip truth"></span>true {_times(row.truth)} · '
        f'<span class="chip predicted"></span>predicted {_times(predicted)}{_overlap(row)} '
        f"· of {clock(duration)}</p>{problem}"
    )


def _track(kind: str, spans: tuple[Span, ...], duration: float) -> str:
    bars = "".join(
        f'<i class="{kind}" style="left:{left:.2f}%;width:{max(0.0, right - left):.2f}%"></i>'
        for left, right in (tuple(100 * min(max(time / duration, 0.0), 1.0) for time in span) for span in spans)
    )
    return f'<div class="track" title="{kind}">{bars}</div>'


def _times(spans: tuple[Span, ...]) -> str:
    return ", ".join(f"{clock(start)}–{clock(end)}" for start, end in spans) or "none"


def _overlap(row: Row) -> str:
    if row.iou is None:
        return ""
    sure = "" if row.confidence is None else f", confidence {row.confidence:.2f}"
    return f" · IoU {share(row.iou)}{sure}"


def _text(text: str) -> str:
    folded = " ".join(text.split())
    return escape(folded if len(folded) <= MOST_TEXT else folded[:MOST_TEXT] + " …")

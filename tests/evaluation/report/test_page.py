"""The page: complete in itself, everything escaped, failures with their pictures."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.evaluation.report.made_up import BEGAN, line, lines, result, results, write_run
from videomind.evaluation.report.compare import compare
from videomind.evaluation.report.page import html_page
from videomind.evaluation.report.runs import read_runs
from videomind.evaluation.report.style import STYLE

VOID = {"meta", "img", "br"}
FRAMES, PLOT = "data:image/jpeg;base64,", "data:image/svg+xml;base64,"
PICTURES = (FRAMES, PLOT)


class Checked(HTMLParser):
    """Tags, attributes and text of a page; fails where tags do not close in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def page_of(*runs: Path) -> str:
    return html_page(compare(read_runs(runs)), BEGAN)


def test_the_page_shows_numbers_plots_and_failures(run: Path, tmp_path: Path, videos: Path) -> None:
    better = write_run(tmp_path / "better", videos, found=results(variants={"fixed": {"mIoU": 50.0}}))
    page = page_of(run, better)
    shown = Checked(page)
    assert page.startswith("<!DOCTYPE html>")
    for words in (
        "46.04 20.0 to 71.2",
        "50.00 +3.96",
        "Recall of the first moment",
        "Mean IoU by length of the moment",
        "Accuracy by length of the video",
        "mean IoU 0.00 → 100.00, raised in 100.0 %, lowered in 0.0 %",
        "reused 30.0 % of prompt tokens and 50.0 % of visual encodings",
        "2 samples/s over 0:00:03",
        "4 failed, were answered wrongly or located badly (IoU below 0.5), in 6 samples.",
        "videomind eval run --tasks jsonl --output 'my runs'",
        "numpy 2.3.5",
        "Report made 2026-03-01",
        "first: 1 of 6 samples failed",
    ):
        assert words in shown.text, words
    assert sum((given.get("src") or "").startswith(PLOT) for _, given in shown.found) == 7


def test_nothing_is_loaded_and_nothing_runs(run: Path) -> None:
    page = page_of(run)
    shown = Checked(page)
    for tag, attributes in shown.found:
        assert tag not in {"script", "link", "iframe", "object", "base", "form"}
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href"):
            assert (attributes.get(name) or PICTURES[0]).startswith(PICTURES)
    assert not re.search(r"url\(|@import|https?:", page)
    policy = next(given["content"] for tag, given in shown.found if "http-equiv" in given)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert "prefers-color-scheme: dark" in page


def test_what_has_a_style_is_in_the_page(run: Path, tmp_path: Path, videos: Path) -> None:
    known = results("charades_sta", split="test", variants={"videomind": {"mIoU": 50.0}, "fixed": {"mIoU": 50.0}})
    runs = [write_run(tmp_path / f"r{number}", videos, found=known) for number in range(5)]
    better = write_run(tmp_path / "r5", videos, found=known.model_copy(update={"variants": {"fixed": {"mIoU": 51.0}}}))
    shown = Checked(page_of(*runs, better) + page_of(run))
    used = {name for _, given in shown.found for name in (given.get("class") or "").split()}
    assert set(re.findall(r"\.([a-z]\w*)", STYLE)) <= used


def test_text_of_others_is_escaped_everywhere(tmp_path: Path, videos: Path) -> None:
    evil = '"><script>alert(1)</script>&amp;'
    said = [
        line(evil, f"{evil}.mp4", evil, result([(0.0, 1.0)]), spans=[[5.0, 6.0]], options=[evil, evil], answer="A"),
        line("2", "beach.mp4", evil, None, spans=[[5.0, 6.0]], error=evil),
    ]
    found = results(
        title=evil,
        split=evil,
        engine=evil,
        platform=evil,
        command=(evil,),
        versions={evil: evil},
        variants={evil: {evil: 1.0}, "fixed": {evil: 2.0, "mIoU": 1.0}},
        groups={"fixed": {evil: {evil: {"mIoU": 1.0}}}},
    )
    page = page_of(write_run(tmp_path / "a<b>&'c", videos, said, found))
    shown = Checked(page)
    assert not any(tag == "script" for tag, _ in shown.found)
    assert "<script" not in page
    assert shown.text.count(evil) > 12
    assert "a<b>&'c" in shown.text


def test_a_strip_of_each_video_that_is_there(run: Path) -> None:
    shown = Checked(page_of(run))
    assert sum(given.get("class") == "strip" for tag, given in shown.found if tag == "img") == 3
    assert "no picture: the video is no longer there" in shown.text  # gone.mp4
    tracks = [(given["class"], given["style"]) for tag, given in shown.found if tag == "i"]
    assert ("truth", "left:66.67%;width:25.00%") in tracks  # 8 to 11 of 12 seconds
    assert ("predicted", "left:0.00%;width:16.67%") in tracks  # 0 to 2


def test_where_only_a_part_of_a_file_was_asked_about_nothing_is_marked_on_its_strip(
    tmp_path: Path, videos: Path
) -> None:
    said = [line("a", "beach.mp4", "a gull", result([(0.0, 1.0)]), spans=[[2.0, 3.0]], duration=4.0)]
    shown = Checked(page_of(write_run(tmp_path / "out", videos, said)))
    assert "the frames are of the whole file, the question is about 0:04 of it" in shown.text
    assert not any(tag == "i" for tag, _ in shown.found)


def test_at_most_twelve_failures_a_run_the_worst_first(tmp_path: Path, videos: Path) -> None:
    said = [
        line(
            f"iou{iou}",
            "beach.mp4",
            f"question of {iou}",
            result([(0.0, float(iou))]),
            spans=[[0.0, 40.0]],
            duration=40.0,
        )
        for iou in range(40, 0, -1)
    ]
    shown = Checked(page_of(write_run(tmp_path / "out", videos, [*said, line("x", "a.mp4", "lost", None, error="oh")])))
    order = [word for word in shown.words if re.fullmatch(r"question of \d+|lost", word)]
    assert order == ["lost", *(f"question of {iou}" for iou in range(1, 12))]
    assert "The 12 worst of 20 failed" in shown.text  # IoU of 1/40 to 19/40, and the error


def test_a_run_without_failures_says_so(tmp_path: Path, videos: Path) -> None:
    shown = Checked(page_of(write_run(tmp_path / "out", videos, [lines()[0]])))
    assert "None: no error, no wrong option, no IoU below 0.5." in shown.text


def test_a_run_of_questions_without_moments(tmp_path: Path, videos: Path) -> None:
    shown = Checked(page_of(write_run(tmp_path / "out", videos, lines()[4:5])))
    assert "Accuracy by length of the video" in shown.text
    assert "Recall of the first moment" not in shown.text


def test_a_run_in_which_nothing_was_finished(tmp_path: Path, videos: Path) -> None:
    shown = Checked(page_of(write_run(tmp_path / "out", videos, [])))
    assert not any((given.get("src") or "").startswith(PLOT) for _, given in shown.found)


@pytest.mark.parametrize("count", [1, 2, 8])
def test_as_many_runs_as_one_likes(count: int, tmp_path: Path, videos: Path) -> None:
    shown = Checked(page_of(*(write_run(tmp_path / f"r{number}", videos) for number in range(count))))
    assert shown.text.count("Failures of") == count

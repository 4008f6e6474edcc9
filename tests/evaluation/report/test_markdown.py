"""A report as Markdown."""

from __future__ import annotations

from pathlib import Path

from tests.evaluation.report.made_up import BEGAN, results, write_run
from videomind.evaluation.report.compare import compare
from videomind.evaluation.report.markdown import markdown
from videomind.evaluation.report.runs import read_runs


def test_one_table_a_task_with_everything_beside_each_other(tmp_path: Path, videos: Path) -> None:
    first = results("charades_sta", title="Charades-STA", split="test")
    second = first.model_copy(update={"variants": {"videomind": {"mIoU": 50.25}}})
    runs = [write_run(tmp_path / name, videos, found=one) for name, one in (("a|b", first), ("c", second))]
    text = markdown(compare(read_runs(runs)), BEGAN)
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert table[0] == (
        "| metric | variant | VideoMind-2B (published, test) | VideoMind-7B (published, test) | a\\|b | c |"
    )
    assert (
        "| mIoU | videomind | 45.20 | 50.20 | 55.25 [20.0 to 71.2] | 50.25 (-5.00) |".replace(" [20.0 to 71.2]", "")
        in table
    )
    assert "| mIoU | fixed |  |  | 46.04 [20.0 to 71.2] | – [20.0 to 71.2] |" in table
    assert "> a\\|b: 1 of 6 samples failed" in text
    assert "`videomind eval run --tasks charades_sta --output 'my runs'`" in text
    assert "Report made 2026-03-01 09:30 UTC." in text


def test_text_of_others_stays_text(tmp_path: Path, videos: Path) -> None:
    evil = "<img src=x> [a](b)\n# b `c` | d"
    found = results(title=evil, split=evil, variants={"fixed": {evil: 1.0}}, command=(evil,))
    text = markdown(compare(read_runs([write_run(tmp_path / "out", videos, found=found)])), BEGAN)
    assert "\\<img src=x\\> \\[a\\](b) \\# b \\`c\\` \\| d" in text
    outside_code = "".join(text.split("`")[::2])
    assert "\n# b" not in outside_code.replace("\\#", "")

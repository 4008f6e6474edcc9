"""Settings: a file, flags over it, and what cannot be."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.training.school import settings
from videomind.errors import InputError, VideoMindError
from videomind.training.config import load_config
from videomind.training.run import train

FILE = """
data = ["a.jsonl", "charades-sta=b.txt:0.5", {path = "c", weight = 2}]
out = "model"
epochs = 3
[method]
name = "dora"
rank = 8
[role]
fps = 2
"""


def test_flags_go_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(FILE)
    config = load_config(tmp_path / "run.toml", {"epochs": 1.5, "seed": None, "method": {"rank": 4, "name": None}})
    assert [(str(one.path), one.layout, one.weight) for one in config.data] == [
        ("a.jsonl", None, 1.0),
        ("b.txt", "charades-sta", 0.5),
        ("c", None, 2.0),
    ]
    assert (config.epochs, config.seed, config.role.fps) == (1.5, 0, 2.0)
    assert (config.method.name, config.method.rank) == ("dora", 4)


def test_flags_that_say_nothing_leave_no_trace() -> None:
    config = load_config(None, {"data": ["a"], "out": "o", "method": {"name": None, "rank": None}})
    assert "method" not in config.model_fields_set


def test_a_path_that_looks_like_a_weight_is_a_path_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("take:2").touch()
    config = load_config(None, {"data": ["take:2", "take:3"], "out": "o"})
    assert [(str(one.path), one.weight) for one in config.data] == [("take:2", 1.0), ("take", 3.0)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("data = ['a']", "--out is missing"),
        ("out = 'o'", "--data is missing"),
        ("data = ['a']\nout = 'o'\nlearning_rat = 1", "learning_rat: unknown key"),
        ("data = ['a']\nout = 'o'\n[method]\nrank = 0", "method.rank: must be greater"),
        ("data = ['a']\nout = 'o'\nmodel = 'm'\nbase = 'b'", "not both"),
        ("data = ['a:0']\nout = 'o'", "data.0.weight"),
        ("data = [", "no TOML"),
        ("data = ['a']\nout = 'o'\ndevice = 'tpu'", "device: must be 'auto', 'cpu' or 'cuda', not 'tpu'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(InputError, match=says) as caught:
        load_config(tmp_path / "run.toml", {})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("role", "changes", "says"),
    [
        ("grounder", {"train_visual": True}, "videomind train base"),
        ("grounder", {"from_predictions": True}, "for the verifier"),
        ("base", {}, "leave method out"),
        ("grounder", {"data": ["nowhere.jsonl"]}, "nowhere.jsonl"),
        ("grounder", {"data": ["qvhighlights=x.jsonl"]}, "--videos DIR"),
        ("planner", {"data": ["qvhighlights=x.jsonl"]}, "data for the grounder"),
        ("grounder", {"data": ["qvhighlihgts=x.jsonl"]}, "no layout"),
        ("grounder", {"base": None, "model": Path("nowhere")}, "no model folder"),
        ("grounder", {"base": Path("nowhere")}, "no base model at"),
        ("grounder", {"base": Path("same"), "out": Path("same")}, "is the model to start from"),
        ("grounder", {"role": {"prompt": "no place"}}, "exactly once"),
        ("grounder", {"role": {"reply_prefix": "there"}}, "exactly once"),
        ("grounder", {"role": {"fps": -1}}, "role: view.fps"),
        ("grounder", {"role": {"invocation": "go"}}, "method alora"),
        ("grounder", {"method": {"name": "alora"}, "role": {"invocation": "go"}}, "does not hold its invocation"),
        ("grounder", {"method": {"name": "lorra"}}, "no method 'lorra'"),
        ("grounder", {"filters": {"min_words": 50}}, "too few words"),
    ],
)
def test_settings_that_do_not_go_together(
    role: str, changes: dict[str, Any], says: str, school: Path, bare_base: Path, tmp_path: Path
) -> None:
    config = settings(school, **({"out": tmp_path / "out", "base": bare_base} | changes))
    with pytest.raises(VideoMindError, match=says) as caught:
        train(config, role, False, Console(quiet=True))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out" / "videomind.json").exists()

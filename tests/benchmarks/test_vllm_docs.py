"""docs/vllm.md says what the code and the raw lines say."""

import json
import re
import statistics
import tomllib
from pathlib import Path

from benchmarks.engine_reuse import RESULTS
from benchmarks.memory_table import BEGIN, END, table
from videomind.engines.vllm_options import VLLMOptions

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "vllm.md").read_text()


def test_the_memory_table_is_the_computed_one() -> None:
    assert DOCS.split(BEGIN)[1].split(END)[0].strip() == table()


def test_the_options_shown_are_options() -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", DOCS, flags=re.DOTALL)
    options = VLLMOptions.model_validate(tomllib.loads(shown))
    assert options.kv_cache_memory == 4 << 30


def test_the_times_are_those_of_the_raw_lines() -> None:
    lines = {line["system"]: line for line in map(json.loads, RESULTS.read_text().splitlines()[-3:])}
    for what in ("cold", "second", "all"):
        medians = {system: statistics.median(line[f"{what}_s"]) for system, line in lines.items()}
        cells = [f"{medians['published']:.2f} s"]
        cells += [f"{medians[s]:.2f} s ({medians['published'] / medians[s]:.1f}×)" for s in ("torch", "vllm")]
        assert f"| {' | '.join(cells)} |" in DOCS

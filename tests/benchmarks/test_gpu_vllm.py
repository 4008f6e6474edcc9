"""What the GPU benchmark is made of, as far as it needs no vLLM: models, floors, deviations, tables, pieces."""

import json
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import distributions
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from tokenizers import Tokenizer
from transformers import Qwen2VLForConditionalGeneration

from benchmarks.gpu import asked, exam, lines, parity, words
from benchmarks.gpu.base import model_config
from benchmarks.gpu.bundle import write_bundles
from benchmarks.gpu.floor import chain_tflop, text_bytes, text_flop, tower_flop
from benchmarks.gpu.pieces import PiecesError, joined
from benchmarks.gpu.register import register
from benchmarks.gpu.report import report
from benchmarks.gpu.sizes import SIZES
from videomind.engines.base import Grounding
from videomind.engines.torch_engine import TorchEngine
from videomind.lora_switch.bundle import Bundle, load_bundle
from videomind.lora_switch.identity import tensor_shapes
from videomind.model.prompt import PromptEncoder
from videomind.results import RoleCall, Usage
from videomind.vision.clip import load_clip

TINY, BIG = SIZES["tiny"], SIZES["2b"]
RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
WHEEL = "vllm-0.26.0-cp38-abi3-manylinux_2_28_x86_64.whl"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_bundles(tmp_path_factory.mktemp("gpu"), TINY, torch.device("cpu"))


@pytest.fixture(scope="module", params=["plain", "alora"])
def bundle(folders: dict[str, Path], request: pytest.FixtureRequest) -> Bundle:
    return load_bundle(folders[request.param])


@pytest.fixture(scope="module")
def engine(bundle: Bundle) -> Iterator[TorchEngine]:
    running = TorchEngine(bundle, "cpu")
    yield running
    running.close()


def test_the_bundles_are_as_published_and_with_activated_adapters(folders: dict[str, Path]) -> None:
    plain, alora = (load_bundle(folders[kind]) for kind in ("plain", "alora"))
    owned = {name: bool(role.adapter and role.adapter.embeddings) for name, role in plain.roles.items()}
    assert owned == {"planner": False, "grounder": True, "verifier": True, "answerer": False}
    assert {name: role.spec.view for name, role in plain.roles.items()} == TINY.views
    assert alora.roles["planner"].spec.view == alora.roles["grounder"].spec.view == TINY.shared_view
    for role in alora.roles.values():
        assert role.adapter is None or (role.adapter.invocation and not role.adapter.embeddings)


def test_the_stored_names_are_those_that_transformers_loads(folders: dict[str, Path]) -> None:
    base = folders["plain"].parent / "base"
    loaded = Qwen2VLForConditionalGeneration.from_pretrained(base, dtype=torch.float32).state_dict()
    with safe_open(base / "model.safetensors", "pt") as file:
        ours = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dict)
    for inside, stored in (
        ("model.language_model.layers.2.mlp.up_proj.weight", "model.layers.2.mlp.up_proj.weight"),
        ("model.visual.blocks.1.attn.qkv.bias", "visual.blocks.1.attn.qkv.bias"),
        ("lm_head.weight", "model.embed_tokens.weight"),
    ):
        assert torch.equal(loaded[inside], ours[stored])
    assert len(loaded) == len(ours) + 1  # the head is tied


def test_the_big_one_has_the_published_shapes(tmp_path: Path) -> None:
    tokenizer = words.write_tokenizer(tmp_path, BIG.vocabulary)
    assert tokenizer.get_vocab_size() == BIG.vocabulary == 151_936
    with torch.device("meta"):
        model = Qwen2VLForConditionalGeneration(model_config(BIG, tokenizer))
    assert sum(p.numel() for p in model.parameters()) == 2_208_985_600
    assert model.config.text_config.rope_parameters["mrope_section"] == [16, 24, 24]


def test_every_word_is_one_token_and_can_be_read_back(bundle: Bundle) -> None:
    tokenizer = Tokenizer.from_file(str(bundle.processor / "tokenizer.json"))
    said = words.sentence(TINY.vocabulary, 50, "any")
    ids = tokenizer.encode(said, add_special_tokens=False).ids
    assert len(ids) == 50
    assert tokenizer.decode(ids) == said
    draft = tokenizer.encode(words.draft(TINY.vocabulary), add_special_tokens=False).ids
    assert len(set(draft)) == len(draft) == 6


def test_the_grounder_says_its_draft_and_localises(bundle: Bundle, engine: TorchEngine) -> None:
    asked_for = exam.make_exam(bundle, TINY, videos=2).grounding
    for drafted, generated in zip(asked_for[::2], asked_for[1::2], strict=True):
        (ours,), (theirs,) = engine.ground([drafted]), engine.ground([generated])
        assert ours.reply == theirs.reply == words.draft(TINY.vocabulary)
        assert ours.spans is not None
        assert theirs.spans is not None
        np.testing.assert_allclose(ours.spans, theirs.spans, atol=1e-4)
        lengths = np.diff(ours.spans[:, :2]) * drafted.clip.num_pairs
        assert lengths.min() > 8  # frame pairs: a candidate's crop fills the verifier's view


def test_replies_go_on_to_the_end_in_words_and_depend_on_what_is_seen(bundle: Bundle, engine: TorchEngine) -> None:
    encoder = PromptEncoder(bundle.processor, merge=2)
    clips = [load_clip(asked.video(TINY, seed, side=84), TINY.views["planner"]) for seed in (0, 1)]
    planner = [asked.request(bundle, TINY, "planner", clip, "0") for clip in clips]
    requests = [*planner, *(replace(one, role="base") for one in planner)]
    replies = [encoder.ids(reply.text) for reply in engine.generate(requests)]
    assert {len(reply) for reply in replies} == {TINY.replies}
    assert len(set(map(tuple, replies))) == len(replies)
    assert all(token >= words.BYTES for reply in replies for token in reply)
    assert min(len(set(reply)) for reply in replies) > TINY.replies // 3


def test_deviations_are_nothing_against_itself_and_small_in_16_bits(folders: dict[str, Path]) -> None:
    size = replace(TINY, dtype="bfloat16")
    made, expected, own = parity.reference(folders["plain"], size, torch.device("cpu"), videos=1)
    assert parity.deviation(expected, expected) == parity.EXACT
    assert own is not None
    assert 0 < own.log_mean < own.log < 1
    assert own.free <= own.step
    assert min(own.step, own.next) > 0.5
    assert len(made.along) == len(exam.POINTS) * len(made.free) == len(expected.following)
    cuts = [int(TINY.replies * point) for point in exam.POINTS]
    assert [token for (token,) in expected.following] == [reply[cut] for reply in expected.replies for cut in cuts]
    assert parity.passes(own, parity.allowed("bfloat16", own))
    assert not parity.passes(own, parity.allowed("float32", None))


@pytest.mark.parametrize(
    "worse",
    [
        {"log": 2e-4},
        {"span": 2e-4},
        {"next": 0.99},
        {"step": 0.99},
        {"grounded": False},
    ],
)
def test_whatever_is_beyond_its_limit_fails(worse: dict[str, float]) -> None:
    found = parity.EXACT._replace(log=5e-5, span=5e-5)
    limits = parity.allowed("float32", None)
    assert parity.passes(found, limits)
    assert not parity.passes(found._replace(**worse), limits)


def test_the_tolerance_grows_with_what_torch_itself_loses() -> None:
    own = parity.EXACT._replace(log=1.0, span=0.5, step=0.75, next=1.0)
    assert parity.allowed("bfloat16", own) == {"log": 3.0, "span": 1.5, "step": 0.6, "next": 0.85}
    assert parity.allowed("bfloat16", None) == {"log": 0.02, "span": 0.002, "step": 0.85, "next": 0.85}


def test_only_the_first_difference_of_a_reply_counts_as_a_step() -> None:
    def replies(*found: list[int]) -> exam.Given:
        return exam.Given(list(found), [[1]], np.zeros((1, 1)), [Grounding("", np.zeros((1, 3)), Usage())])

    expected = replies([1, 2, 3, 4], [5, 6, 7, 8])
    given = parity.deviation(replies([1, 2, 3, 4], [5, 0, 0, 8]), expected)
    assert (given.free, given.step) == (6 / 8, 5 / 6)
    assert parity.deviation(replies([1, 2], [5, 6, 7, 8]), expected).step == 6 / 7


def test_spans_are_compared_with_the_nearest_and_none_is_infinitely_far() -> None:
    def spans(rows: list[list[float]] | None) -> exam.Given:
        found = Grounding("same", None if rows is None else np.array(rows, np.float32), Usage())
        return exam.Given([[1]], [[1]], np.zeros((1, 1)), [found])

    expected = spans([[0.1, 0.3, 0.9], [0.5, 0.8, 0.8]])
    swapped = parity.deviation(spans([[0.5, 0.8, 0.8], [0.1, 0.31, 0.9]]), expected)
    assert swapped.span == pytest.approx(0.01, abs=1e-6)
    assert swapped.grounded
    assert parity.deviation(spans(None), expected).span == float("inf")
    assert not parity.deviation(spans(None), expected).grounded


def test_the_floor_is_the_one_of_the_design() -> None:
    """A chain at the published budgets: 120 TFLOP in the visual tower, about 189 in all."""
    seen = [("planner", (50, 16, 16), 360), ("grounder", (75, 16, 16), 140), ("answerer", (16, 32, 32), 40)]
    seen += [("verifier", (32, 16, 16), 100)] * 5
    calls = [_call(role, grid, tokens + grid[0] * grid[1] * grid[2] // 4) for role, grid, tokens in seen]
    assert chain_tflop(BIG, calls) == pytest.approx(189, rel=0.01)
    assert sum(tower_flop(BIG, call.grid) for call in calls) / 1e12 == pytest.approx(120, rel=0.01)
    assert text_flop(BIG, 5000, cached=4990) < text_flop(BIG, 5000) / 300
    assert text_bytes(BIG) == pytest.approx(3.09e9, rel=0.01)


def test_what_is_reused_costs_nothing() -> None:
    cold, warm = _call("planner", (50, 16, 16), 3500), _call("planner", (50, 16, 16), 3500, cached=3488, encoded=False)
    assert chain_tflop(BIG, [warm]) < chain_tflop(BIG, [cold]) / 200


def test_the_table_of_the_dry_run() -> None:
    """Every stage has left its lines, all passed, and the report shows them."""
    found = lines.read([RESULTS / "gpu_vllm_cpu_dry_run.jsonl"])
    assert {line["stage"] for line in found} == {"parity", "throughput", "latency"}
    assert {line["device"] for line in found} == {"CPU"}
    assert all(line["passed"] for line in found if line["stage"] == "parity")
    table = report(found)
    assert table.startswith("## CPU (")
    for title in ("vLLM against torch", "Throughput", "Latency"):
        assert f"### {title}" in table
    rows = [row for row in table.splitlines() if row.startswith("| ")]
    assert len(rows) == len(found) + 3  # and a head each
    assert all(row.count("|") == len(row.split(" | ")) + 1 for row in rows)


def test_a_failure_stands_out_in_the_report() -> None:
    (line, *_) = lines.read([RESULTS / "gpu_vllm_cpu_dry_run.jsonl"])
    assert "**no**" in report([line | {"passed": False}])
    assert "**no**" not in report([line])


def test_lines_name_the_machine(tmp_path: Path) -> None:
    lines.append(tmp_path / "out", {"stage": "parity"})
    lines.append(tmp_path / "out", {"stage": "latency"})
    first, second = lines.read([tmp_path / "out" / lines.FILE])
    assert (first["stage"], second["stage"]) == ("parity", "latency")
    assert {"device", "machine", "torch", "vllm", "seed", "date"} <= first.keys()


@pytest.fixture
def wheel(tmp_path: Path) -> bytes:
    with zipfile.ZipFile(tmp_path / WHEEL, "w") as archive:
        archive.writestr("vllm/__init__.py", "x = 1\n" * 500)
    return (tmp_path / WHEEL).read_bytes()


def write_pieces(folder: Path, whole: bytes, count: int) -> Path:
    folder.mkdir()
    step = -(-len(whole) // count)
    for number in range(count):
        (folder / f"{WHEEL}.{number:03}").write_bytes(whole[number * step : (number + 1) * step])
    return folder


def test_pieces_become_the_wheel_again(tmp_path: Path, wheel: bytes) -> None:
    made = joined(write_pieces(tmp_path / "pieces", wheel, 12), tmp_path / "into")
    assert (made.name, made.read_bytes()) == (WHEEL, wheel)
    assert joined(tmp_path, tmp_path / "into") == joined(tmp_path / WHEEL, tmp_path / "into") == tmp_path / WHEEL


@pytest.mark.parametrize("lost", [0, 4, 11])
def test_a_missing_piece_is_named(tmp_path: Path, wheel: bytes, lost: int) -> None:
    pieces = write_pieces(tmp_path / "pieces", wheel, 12)
    (pieces / f"{WHEEL}.{lost:03}").unlink()
    with pytest.raises(PiecesError, match="last piece" if lost == 11 else f"{lost:03} is missing"):
        joined(pieces, tmp_path / "into")


def test_a_damaged_piece_is_noticed(tmp_path: Path, wheel: bytes) -> None:
    broken = bytearray(wheel)
    broken[len(wheel) // 2] ^= 1
    with pytest.raises(PiecesError, match="damaged"):
        joined(write_pieces(tmp_path / "pieces", bytes(broken), 3), tmp_path / "into")


def test_no_wheel_or_two_are_refused(tmp_path: Path, wheel: bytes) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(PiecesError, match="holds nothing"):
        joined(tmp_path / "empty", tmp_path)
    write_pieces(tmp_path / "pieces", wheel, 2)
    (tmp_path / "pieces" / WHEEL.replace("0.26.0", "0.27.0")).write_bytes(wheel)
    with pytest.raises(PiecesError, match="one wheel"):
        joined(tmp_path / "pieces", tmp_path)


def test_the_plugin_is_found_without_being_installed(tmp_path: Path) -> None:
    register(tmp_path)
    (found,) = distributions(path=[str(tmp_path)])
    points = {point.name: point.value for point in found.entry_points if point.group == "vllm.general_plugins"}
    assert points == {"videomind": "videomind.lora_switch.vllm_plugin:register"}
    assert found.metadata["Name"] == "videomind-agent"


def test_the_script_says_how_it_is_used() -> None:
    script = str(Path(__file__).parents[2] / "scripts" / "gpu_vllm.sh")
    told = subprocess.run(["bash", script], capture_output=True, text=True, check=True).stdout
    for stage in ("install", "bundle", "parity", "throughput", "latency", "report", "all"):
        assert f"scripts/gpu_vllm.sh {stage}" in told
    assert "set -euo" not in told
    for wrong in (["nosuch"], ["install"]):
        refused = subprocess.run(["bash", script, *wrong], capture_output=True, text=True)
        assert (refused.returncode, refused.stderr.startswith("error: ")) == (2, True)


def _call(role: str, grid: tuple[int, int, int], tokens: int, cached: int = 0, encoded: bool = True) -> RoleCall:
    usage = Usage(tokens, cached, encoded)
    return RoleCall(role, "", "", (0.0, 1.0), (), grid, None, 0.0, usage)


def test_the_text_shapes_of_the_base(folders: dict[str, Path]) -> None:
    shapes = tensor_shapes(folders["plain"].parent / "base")
    config = json.loads((folders["plain"].parent / "base" / "config.json").read_text())
    assert shapes["model.embed_tokens.weight"] == (TINY.vocabulary, TINY.hidden)
    assert config["architectures"] == ["Qwen2VLForConditionalGeneration"]
    assert config["dtype"] == TINY.dtype

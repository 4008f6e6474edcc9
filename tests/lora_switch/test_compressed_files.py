"""A compressed set on disk: what is read is what was written, and nothing damaged passes."""

from __future__ import annotations

import errno
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests import tiny
from videomind.errors import AdapterKindError, BundleError, InputError
from videomind.lora_switch import compressed_files
from videomind.lora_switch.adapter import Adapter, LoRAPair, read_adapter, write_adapter
from videomind.lora_switch.bundle import EMBEDDINGS_FILE, NANO
from videomind.lora_switch.compressed_files import expand_one, read_set, write_set
from videomind.lora_switch.compressed_set import CompressedSet, compress, expand
from videomind.lora_switch.compressible import read_adapters

ADAPTERS = {
    "one": tiny.random_adapter(2, seed=1),
    "two.v2": Adapter(tiny.random_adapter(4, seed=2).pairs, {}, invocation=(3, 1, 4)),
    "three": tiny.random_adapter(4, seed=3),
}
Q = "layers.0.self_attn.q_proj"


@pytest.fixture(scope="module")
def made() -> CompressedSet:
    return compress(ADAPTERS, 6)


@pytest.fixture(scope="module")
def written(made: CompressedSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets") / "set"
    write_set(folder, made, {"one": 0.1, "two.v2": 0.2, "three": 0.3}, {Q: 0.25})
    return folder


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "set"))


def test_what_is_read_is_what_was_written(made: CompressedSet, written: Path) -> None:
    again = read_set(written)
    assert again.rank == made.rank == 6
    assert list(again.members) == list(made.members)
    assert {len(core.parts) for core in again.members["one"].cores.values()} == {2}
    assert {len(core.parts) for core in again.members["three"].cores.values()} == {1}
    for module, basis in made.bases.items():
        assert all(torch.equal(*pair) for pair in zip(again.bases[module], basis, strict=True))
    for name, member in made.members.items():
        other = again.members[name]
        assert (other.rank, other.invocation) == (member.rank, member.invocation)
        for module, core in member.cores.items():
            assert all(torch.equal(*pair) for pair in zip(other.cores[module].parts, core.parts, strict=True))


def test_the_manifest_says_what_is_in_it(written: Path) -> None:
    assert json.loads((written / "compressed.json").read_text()) == {
        "format": 1,
        "rank": 6,
        "adapters": {
            "one": {"rank": 2, "invocation": None, "error": 0.1},
            "two.v2": {"rank": 4, "invocation": [3, 1, 4], "error": 0.2},
            "three": {"rank": 4, "invocation": None, "error": 0.3},
        },
        "modules": {Q: 0.25},
    }
    files = sorted(str(path.relative_to(written)) for path in written.rglob("*.*") if path.is_file())
    assert files == ["basis.safetensors", "compressed.json", *(f"{n}/core.safetensors" for n in sorted(ADAPTERS))]


def test_one_adapter_needs_only_its_own_part(made: CompressedSet, copy: Path, tmp_path: Path) -> None:
    for name in ("one", "three"):
        shutil.rmtree(copy / name)
    adapter = expand_one(copy, "two.v2")
    expected = expand(made.bases, made.members["two.v2"])
    write_adapter(tmp_path / "out", adapter)
    again = read_adapter(tmp_path / "out")
    assert again.invocation == adapter.invocation == (3, 1, 4)
    for module, pair in expected.pairs.items():
        assert torch.equal(again.pairs[module].a, pair.a)
        assert torch.equal(again.pairs[module].b, pair.b)
        assert again.pairs[module].scale == 1.0


def test_an_unknown_name(written: Path) -> None:
    with pytest.raises(InputError, match=r"holds no adapter 'four': it holds one, three, two\.v2"):
        expand_one(written, "four")


def test_nothing_is_overwritten(made: CompressedSet, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    (tmp_path / "file").write_text("keep")
    for out in (tmp_path, tmp_path / "file"):
        with pytest.raises(InputError, match="is not empty"):
            write_set(out, made, dict.fromkeys(ADAPTERS, 0.0), {})
    with pytest.raises(InputError, match="cannot write"):
        write_set(tmp_path / "file" / "set", made, dict.fromkeys(ADAPTERS, 0.0), {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "mine.txt"]


def test_a_full_disk_leaves_nothing_behind(
    made: CompressedSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(compressed_files, "write_json", full)
    with pytest.raises(InputError, match=r"cannot write .*: No space left on device"):
        write_set(tmp_path / "set", made, dict.fromkeys(ADAPTERS, 0.0), {})
    assert list(tmp_path.iterdir()) == []


def test_folders_that_cannot_be_compressed(tmp_path: Path) -> None:
    for name, adapter in ADAPTERS.items():
        write_adapter(tmp_path / name, adapter)
    folders = {name: tmp_path / name for name in ADAPTERS}
    assert list(read_adapters(folders)) == list(ADAPTERS)
    with pytest.raises(InputError, match=r"'\.\./x' is no name for an adapter"):
        read_adapters(folders | {"../x": tmp_path / "one"})
    with pytest.raises(BundleError, match="missing file"):
        read_adapters(folders | {"none": tmp_path / "none"})
    with pytest.raises(InputError, match=r"nano is a model folder: give .*nano/answerer"):
        read_adapters(folders | {"nano": NANO})
    (tmp_path / "three" / EMBEDDINGS_FILE).write_bytes(b"")
    with pytest.raises(BundleError, match="three: it has embeddings of its own"):
        read_adapters(folders)
    config = tmp_path / "one" / "adapter_config.json"
    config.write_text(json.dumps({"peft_type": "VERA", "r": 4}))
    with pytest.raises(AdapterKindError, match=r"VeRA.*videomind convert MODEL OUT --to lora"):
        read_adapters(folders)


def test_a_dora_folder_is_refused_with_the_way_out(tmp_path: Path) -> None:
    pairs = {m: LoRAPair(p.a, p.b, p.scale, torch.ones(len(p.b))) for m, p in ADAPTERS["one"].pairs.items()}
    write_adapter(tmp_path / "dora", Adapter(pairs, {}))
    write_adapter(tmp_path / "lora", ADAPTERS["three"])
    with pytest.raises(AdapterKindError, match=r"dora: a DoRA.*videomind convert MODEL OUT --to lora"):
        read_adapters({"dora": tmp_path / "dora", "lora": tmp_path / "lora"})


def edit_manifest(**keys: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / "compressed.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | keys))

    return edit


def edit_tensors(file: str, change: Callable[[dict[str, Tensor]], object]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        tensors = load_file(folder / file)
        change(tensors)
        save_file(tensors, folder / file)

    return edit


def pickled(folder: Path) -> None:
    (folder / "one" / "core.safetensors").write_bytes(pickle.dumps({}))


BASIS, ONE, THREE = "basis.safetensors", "one/core.safetensors", "three/core.safetensors"
ORIGINAL = {"rank": 2, "error": 0.0}


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder: (folder / "compressed.json").unlink(), "is no compressed set.*videomind adapters compress"),
        (edit_manifest(format=2), "format 2 is not known here"),
        (edit_manifest(rank=0), "rank: "),
        (edit_manifest(extra=1), "extra: "),
        (edit_manifest(adapters={}), "adapters: "),
        (edit_manifest(adapters={"../one": ORIGINAL}), "adapters.../one"),
        (edit_manifest(adapters={"/etc": ORIGINAL}), "adapters./etc"),
        (edit_manifest(adapters={"one\n": ORIGINAL}), "adapters.one"),
        (edit_manifest(adapters={"one": ORIGINAL | {"rank": 10**9}}), "adapters.one.rank"),
        (edit_manifest(rank=5), "says rank 5"),
        (lambda folder: (folder / BASIS).unlink(), "missing weights"),
        (lambda folder: (folder / ONE).unlink(), "missing weights"),
        (pickled, "is no readable safetensors file"),
        (edit_tensors(BASIS, lambda t: t.update({"odd": torch.zeros(1, 1)})), "unknown tensor 'odd'"),
        (edit_tensors(BASIS, lambda t: t.update({f"{Q}.u": torch.zeros(64, 6).long()})), "not a matrix of real"),
        (edit_tensors(BASIS, lambda t: t.update({f"{Q}.u": torch.zeros(64)})), "not a matrix of real"),
        (edit_tensors(BASIS, lambda t: t.pop(f"{Q}.v")), "needs u and v; it has u"),
        (edit_tensors(BASIS, lambda t: [t.pop(f"{Q}.{x}") for x in "uv"]), "is not in basis.safetensors"),
        (edit_tensors(BASIS, lambda t: t.update({f"{Q}.u": torch.zeros(64, 0)})), "has u .64, 0."),
        (edit_tensors(ONE, lambda t: t.pop(f"{Q}.left")), "is no core of .6, 6."),
        (edit_tensors(ONE, lambda t: t.update({f"{Q}.core": torch.zeros(6, 6)})), "is no core of .6, 6."),
        (edit_tensors(ONE, lambda t: t.update({f"{Q}.left": torch.zeros(6, 3)})), "is no core of .6, 6."),
        (edit_tensors(THREE, lambda t: t.update({f"{Q}.core": torch.zeros(6, 7)})), "is no core of .6, 6."),
    ],
)
def test_a_damaged_set_is_refused(copy: Path, damage: Callable[[Path], object], says: str) -> None:
    damage(copy)
    with pytest.raises(BundleError, match=says):
        read_set(copy)

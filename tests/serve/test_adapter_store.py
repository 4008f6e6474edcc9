"""Adapters on disk: there again after a restart, whole or not at all, and one server's alone."""

from __future__ import annotations

import logging
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from tests.serve.conftest import TakingEngine
from videomind.errors import BundleError, EngineDead, InputError
from videomind.lora_switch.adapter import WEIGHTS_FILE
from videomind.serve.adapter_store import AdapterStore


def receive(store: AdapterStore, name: str, folder: Path) -> None:
    with store.incoming() as received:
        shutil.copytree(folder, received, dirs_exist_ok=True)
        store.add(name, received)


def test_adapters_are_there_again_after_a_restart(store: AdapterStore, engine: TakingEngine, lora: Path) -> None:
    receive(store, "sports", lora)
    receive(store, "news", lora)
    before = store.entries()
    store.close()
    engine.names.clear()
    with closing(AdapterStore(store._folder)) as again:
        again.restore(engine)
        assert engine.names == ["news", "sports"]
        assert again.entries() == before


def test_what_does_not_fit_after_a_restart_is_kept_and_reported(
    store: AdapterStore, engine: TakingEngine, lora: Path, misfit: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(misfit, store._folder / "other")
    with caplog.at_level(logging.WARNING, "videomind.serve"):
        store.restore(engine)
    assert "the stored adapter other cannot be used: other" in caplog.text
    (entry,) = store.entries()
    assert entry.problem is not None
    assert engine.names == []
    store.remove("other")
    assert store.entries() == []
    receive(store, "other", lora)
    assert [entry.problem for entry in store.entries()] == [None]


def test_a_stored_folder_without_files_does_not_stop_the_server(store: AdapterStore, engine: TakingEngine) -> None:
    (store._folder / "empty").mkdir()
    store.restore(engine)
    (entry,) = store.entries()
    assert (entry.rank, entry.bytes) == (None, 0)
    assert "adapter_config.json" in str(entry.problem)


def test_what_was_half_received_is_gone_after_a_restart(store: AdapterStore, engine: TakingEngine) -> None:
    (store._folder / ".incoming" / "half").mkdir()
    store.close()
    with closing(AdapterStore(store._folder)) as again:
        again.restore(engine)
        assert again.entries() == []
        assert [*(again._folder / ".incoming").iterdir()] == []


def test_a_refused_adapter_can_be_sent_again(
    store: AdapterStore, engine: TakingEngine, lora: Path, tmp_path: Path
) -> None:
    broken = Path(shutil.copytree(lora, tmp_path / "broken"))
    (broken / WEIGHTS_FILE).write_bytes(b"")
    with pytest.raises(BundleError, match="sports"):
        receive(store, "sports", broken)
    receive(store, "sports", lora)
    assert engine.names == ["sports"]


def test_a_folder_belongs_to_one_server(store: AdapterStore) -> None:
    with pytest.raises(InputError, match="another server keeps its adapters in"):
        AdapterStore(store._folder)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot keep adapters in"):
        AdapterStore(tmp_path / "file" / "store")


def test_what_the_engine_does_not_let_go_stays(
    store: AdapterStore, engine: TakingEngine, lora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(self: TakingEngine, name: str) -> None:
        raise EngineDead("gone")

    receive(store, "sports", lora)
    monkeypatch.setattr(TakingEngine, "remove_adapter", die)
    with pytest.raises(EngineDead):
        store.remove("sports")
    assert [entry.name for entry in store.entries()] == ["sports"]

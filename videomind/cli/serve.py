"""`videomind serve`: one running model that others can talk to over HTTP."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.logging import RichHandler

from videomind.cli.loading import load_model
from videomind.cli.options import ApiKey, Device, Dtype, EngineConfig, Model
from videomind.cli.terminal import progress_console
from videomind.model_choice import ModelChoice


def serve(
    model: Model = None,
    engine: Annotated[
        Literal["torch", "vllm"] | None,
        typer.Option(help="What runs it. Default: vllm where a supported one is installed, else torch."),
    ] = None,
    engine_config: EngineConfig = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8000,
    api_key: ApiKey = None,
    adapters: Annotated[
        Path | None,
        typer.Option(help="Folder that answerer adapters are kept in. Default: one of the user's.", metavar="DIR"),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Let everyone in who can reach the address, without a key.")
    ] = False,
    device: Device = "auto",
    dtype: Dtype = "auto",
) -> None:
    """Serve a model over HTTP until it is interrupted.

    GET /health and /ready for supervisors, GET /metrics for Prometheus, /v1/adapters for answerer adapters.
    """
    console = progress_console()
    with console.status("loading") as status, _log_on(console), _ended_by_sigterm():
        from videomind.serve.adapter_store import AdapterStore
        from videomind.serve.app import create_app
        from videomind.serve.http_server import HttpServer
        from videomind.serve.security import check_binding, is_loopback
        from videomind.serve.state import Running, State

        check_binding(host, api_key, insecure)
        choice = ModelChoice(model, engine or _default_engine(), engine_config, device, dtype)
        state = State()
        server = HttpServer(create_app(state, api_key, is_loopback(host)), host, port)
        with closing(server), closing(AdapterStore(adapters or _home())) as store:
            server.start()
            with load_model(choice, status) as agent, closing(server):
                store.restore(agent.engine)
                state.serve(Running(agent, store))
                status.stop()
                name = agent.bundle.manifest.name
                console.print(f"{name} on {server.url} ({agent.engine.name})", markup=False, soft_wrap=True)
                server.wait()


def _default_engine() -> str:
    from videomind.lora_switch.vllm_plugin.versions import is_supported

    return "vllm" if is_supported() else "torch"


def _home() -> Path:
    """Where a user's data belongs (XDG base directories)."""
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "videomind" / "adapters"


class _Terminated(BaseException):
    """A supervisor asked for the end."""


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends what is inside, in good order and with success; a second one changes nothing."""

    def end(_: int, __: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise _Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except _Terminated:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _log_on(console: Console) -> Iterator[None]:
    """Warnings and errors of the server on the console."""
    handler = RichHandler(logging.WARNING, console, show_path=False, omit_repeated_times=False)
    loggers = [logging.getLogger(name) for name in ("videomind.serve", "uvicorn.error")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)

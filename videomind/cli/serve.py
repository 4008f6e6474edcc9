"""`videomind serve`: the chat page and the HTTP API around one running model."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal

import typer

from videomind.cli.loading import load_model
from videomind.cli.options import ApiKey, EngineConfig, Model
from videomind.cli.terminal import progress_console
from videomind.model_choice import ModelChoice


def serve(
    model: Model = None,
    engine: Annotated[
        Literal["torch", "vllm"] | None,
        typer.Option(help="What runs it. Default: vllm where a supported one is installed, else torch."),
    ] = None,
    engine_config: EngineConfig = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one. Default: 8000.")
    ] = None,
    api_key: ApiKey = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Let everyone in who can reach the address, without a key.")
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            envvar="VIDEOMIND_CONFIG", help="Settings (.toml, see docs/api.md); flags come first.", metavar="FILE"
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of videos, history and adapters. Default: one of the user's.", metavar="DIR"),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(help="A PostgreSQL database (postgresql://…). Default: SQLite in --data.", metavar="URL"),
    ] = None,
    adapters: Annotated[
        Path | None, typer.Option(help="Folder of answerer adapters. Default: in --data.", metavar="DIR")
    ] = None,
    allowed_media_path: Annotated[
        Path | None, typer.Option(help="Folder below which file: URLs may point.", metavar="DIR")
    ] = None,
    allowed_media_domain: Annotated[
        list[str] | None, typer.Option(help="Host that http(s): URLs may name; may be repeated.", metavar="HOST")
    ] = None,
    page: Annotated[bool, typer.Option(help="Serve the chat page at /.")] = True,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"] | None, typer.Option(help="Number type of the weights.")
    ] = None,
    log_format: Annotated[Literal["console", "json"] | None, typer.Option(help="How the log is written.")] = None,
) -> None:
    """Serve the chat page (/) and the API (/v1, described at /docs) until it is interrupted.

    Every setting can also be given as VIDEOMIND_… in the environment or in a TOML file; there are more than these
    flags. /health and /ready are for supervisors, /metrics for Prometheus.
    """
    flags = {
        "model": model,
        "engine": engine,
        "engine_config": engine_config,
        "host": host,
        "port": port,
        "api_key": api_key,
        "insecure": insecure or None,
        "data": data,
        "database": database,
        "adapters": adapters,
        "allowed_media_path": allowed_media_path,
        "allowed_media_domain": tuple(allowed_media_domain) if allowed_media_domain else None,
        "page": None if page else False,
        "device": device,
        "dtype": dtype,
        "log_format": log_format,
    }
    console = progress_console()
    with ExitStack() as stack:
        status = stack.enter_context(console.status("loading"))
        stack.enter_context(_ended_by_sigterm())
        from videomind.serve.adapter_store import AdapterStore
        from videomind.serve.app import create_app
        from videomind.serve.cores import spare_cores
        from videomind.serve.heap import settled_heap
        from videomind.serve.housekeeping import housekeeping
        from videomind.serve.http_server import HttpServer
        from videomind.serve.logs import logging_to
        from videomind.serve.security import check_binding, is_loopback
        from videomind.serve.services import data_folder, open_services
        from videomind.serve.settings import load_settings
        from videomind.serve.state import State

        settings = load_settings(flags, config)
        stack.enter_context(logging_to(console, settings.log_format))
        services = stack.enter_context(open_services(settings))
        key = settings.api_key.get_secret_value() if settings.api_key else None
        check_binding(settings.host, key, key is not None or services.keys.any(), settings.insecure)
        state = State(services)
        app = create_app(state, is_loopback(settings.host))
        address = settings.host, settings.port, settings.trusted_proxies
        server = stack.enter_context(closing(HttpServer(app, *address, state.stopping.set)))
        folder = settings.adapters or data_folder(settings) / "adapters"
        store = stack.enter_context(closing(AdapterStore(folder)))
        server.start()
        name = settings.engine or _default_engine()
        choice = ModelChoice(settings.model, name, settings.engine_config, settings.device, settings.dtype)
        agent = stack.enter_context(load_model(choice, status))
        stack.enter_context(closing(server))
        stack.enter_context(housekeeping(services))
        store.restore(agent.engine)
        stack.enter_context(spare_cores(agent.engine))
        stack.enter_context(settled_heap())
        state.serve(agent, store)
        status.stop()
        title = agent.bundle.manifest.name
        console.print(f"{title} on {server.url} ({agent.engine.name})", markup=False, soft_wrap=True)
        server.wait()


def _default_engine() -> Literal["torch", "vllm"]:
    from videomind.lora_switch.vllm_plugin.versions import is_supported

    return "vllm" if is_supported() else "torch"


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

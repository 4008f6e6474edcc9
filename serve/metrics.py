"""`GET /metrics`: the counters of `videomind.metrics`, and how busy the engine is at this moment."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.responses import Response

from videomind.serve.errors import Refused
from videomind.serve.state import State

router = APIRouter()


class EngineLoad(Collector):
    """Gauges of an engine that queues; nothing of others, and nothing while it loads."""

    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read when the metrics are asked for."""
        try:
            load = self._state.running.agent.engine.load()
        except Refused:
            return
        if load is not None:
            yield GaugeMetricFamily("videomind_engine_calls", "Calls of roles under way.", load.calls)
            yield GaugeMetricFamily("videomind_engine_waiting", "Requests that wait for a place.", load.waiting)


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Everything, in Prometheus' text format."""
    here = CollectorRegistry()
    here.register(EngineLoad(request.app.state.videomind))
    return Response(generate_latest(REGISTRY) + generate_latest(here), media_type=CONTENT_TYPE_LATEST)

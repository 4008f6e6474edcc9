"""`GET /metrics`: the counters of `videomind.metrics`, and how busy queue and engine are at this moment."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.responses import PlainTextResponse, Response

from videomind.serve.errors import Refused
from videomind.serve.state import State, state_of

router = APIRouter()


class ServerLoad(Collector):
    """Gauges of the queue, and of an engine that queues itself; nothing while the model loads."""

    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read when the metrics are asked for."""
        try:
            running = self._state.running
        except Refused:
            return
        yield GaugeMetricFamily("videomind_queue_running", "Questions that are worked on.", running.queue.running)
        yield GaugeMetricFamily("videomind_queue_waiting", "Questions that wait for their turn.", running.queue.waiting)
        load = running.agent.engine.load()
        if load is not None:
            yield GaugeMetricFamily("videomind_engine_calls", "Calls of roles under way.", load.calls)
            yield GaugeMetricFamily("videomind_engine_waiting", "Requests that wait for a place.", load.waiting)


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request) -> Response:
    """Everything, in Prometheus' text format."""
    here = CollectorRegistry()
    here.register(ServerLoad(state_of(request)))
    return Response(generate_latest(REGISTRY) + generate_latest(here), media_type=CONTENT_TYPE_LATEST)

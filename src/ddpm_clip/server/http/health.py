"""`/healthz`, `/readyz` and `/metrics`: is it alive, does it take work, what has it done?"""

import secrets
from collections.abc import Iterator

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ddpm_clip.errors import Busy
from ddpm_clip.server.http.native import service_of
from ddpm_clip.server.service.service import Service

router = APIRouter()

STARTED = secrets.token_hex(8)
TEXT = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Answer as long as the process does; public. `started` differs after a restart."""
    return {"status": "ok", "started": STARTED}


@router.get("/readyz")
async def readyz(request: Request) -> dict[str, str]:
    """Whether the models are open and there is room in the queue: 200 or 503."""
    service = service_of(request)
    if not service.ready:
        why = "it is stopping" if service.stopping else "its queue is full, or a model is opened"
        raise Busy("the server takes no work now", why, "try again in a moment")
    return {"status": "ready"}


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Return counts for Prometheus; neither prompts nor ids are in them."""
    registry = CollectorRegistry()
    registry.register(Measured(service_of(request)))
    return Response(generate_latest(registry), media_type=TEXT)


class Measured:
    """Reads a service when it is asked, so that nothing is counted twice."""

    def __init__(self, service: Service):
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        service, counts = self._service, self._service.worker.counts
        jobs = CounterMetricFamily("ddpm_clip_jobs", "Ended jobs", labels=["kind", "state"])
        for (kind, state), count in sorted(counts.jobs.items()):
            jobs.add_metric([kind, state], count)
        yield jobs
        yield CounterMetricFamily("ddpm_clip_pictures", "Finished pictures", value=counts.pictures)
        yield CounterMetricFamily("ddpm_clip_batches", "Batches of jobs", value=counts.batches)
        yield CounterMetricFamily(
            "ddpm_clip_computing_seconds", "Time spent computing", value=counts.seconds
        )
        yield GaugeMetricFamily("ddpm_clip_queue_jobs", "Waiting jobs", value=service.waiting)
        yield GaugeMetricFamily("ddpm_clip_queue_limit", "Most waiting jobs", service.limits.queue)
        yield GaugeMetricFamily("ddpm_clip_kept_pictures", "Kept pictures", len(service.pictures))
        yield GaugeMetricFamily("ddpm_clip_kept_bytes", "Their bytes", service.pictures.bytes)

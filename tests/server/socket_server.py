"""A server behind a real socket, in a thread of this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ddpm_clip.server.http.app import create_app
from ddpm_clip.server.http.options import ServerOptions
from ddpm_clip.server.kinds import JOB_KINDS
from ddpm_clip.server.running import address, bound, run
from ddpm_clip.server.service.limits import ServiceLimits
from ddpm_clip.server.service.models import Models
from ddpm_clip.server.service.service import Service


@contextmanager
def serving(models: Models, limits: ServiceLimits | None = None, **options) -> Iterator[str]:
    """Serve on a free port in a thread; yields the URL, and drains at the end."""
    chosen = ServerOptions(port=0, drain_seconds=10.0, **options)
    app, stop = create_app(Service(models, JOB_KINDS, limits), chosen), threading.Event()
    with bound(chosen) as listening:
        thread = threading.Thread(target=run, args=(app, listening, stop.is_set))
        thread.start()
        try:
            yield address(listening)
        finally:
            stop.set()
            thread.join(120)
            assert not thread.is_alive()

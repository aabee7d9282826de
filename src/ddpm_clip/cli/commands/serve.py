"""`serve`: answer HTTP requests with pictures."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.interrupt import GracefulShutdown, end_process
from ddpm_clip.cli.painting_options import DEFAULT_MODEL, Device
from ddpm_clip.errors import UsageError

if TYPE_CHECKING:
    from ddpm_clip.server.http.options import ServerOptions
    from ddpm_clip.server.service.service import Service

KEY = "DDPM_CLIP_KEY"
"""Environment variable with a key."""


def serve(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL",
            help=f"Runs, models' folders or shipped names; by default {DEFAULT_MODEL}.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; one that others reach needs a key.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8000,
    key_file: Annotated[
        Path | None, typer.Option(help=f"A file with keys, one a line; or one key in {KEY}.")
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="Another name of this server; repeatable.")
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(help="Origin whose pages may call, such as https://example.org; repeatable."),
    ] = None,
    max_queue: Annotated[
        int, typer.Option(min=1, max=10_000, help="Most jobs that wait; others get 429.")
    ] = 32,
    max_batch: Annotated[
        int, typer.Option(min=1, max=256, help="Most pictures painted together; 1: each alone.")
    ] = 16,
    max_seconds: Annotated[
        float, typer.Option(min=1, max=86_400, help="Longest time of a job.")
    ] = 600.0,
    device: Device = "auto",
) -> None:
    """Serve models over HTTP, also to clients of the OpenAI Images API.

    ddpm-clip serve flowers digits
    ddpm-clip serve runs/photos --host 0.0.0.0 --key-file keys.txt

    Requests of one model with the same settings are painted together. SIGTERM or Ctrl-C finishes
    what was accepted, for at most 30 seconds; a second one stops at once.
    """
    options = _options(host, port, key_file, allow_host, allow_origin)
    service = _service(models or [DEFAULT_MODEL], device, max_queue, max_batch, max_seconds)
    _run(service, options)


def _options(
    host: str, port: int, key_file: Path | None, hosts: list[str] | None, origins: list[str] | None
) -> "ServerOptions":
    """Return the options of the server, after checking that strangers cannot reach it."""
    check_installed()
    from ddpm_clip.server.http.options import ServerOptions, read_keys

    keys = read_keys(key_file, os.environ.get(KEY))
    options = ServerOptions(host, port, keys, tuple(hosts or ()), tuple(origins or ()))
    options.check()
    return options


def _service(models: list[str], device: str, queue: int, batch: int, seconds: float) -> "Service":
    """Return the service of the models, after checking that there are such models."""
    from ddpm_clip.server.kinds import JOB_KINDS
    from ddpm_clip.server.service.limits import ServiceLimits
    from ddpm_clip.server.service.models import Models
    from ddpm_clip.server.service.service import Service

    served = Models(models, device)
    served.check()
    return Service(served, JOB_KINDS, ServiceLimits(queue=queue, batch=batch, seconds=seconds))


def _run(service: "Service", options: "ServerOptions") -> None:
    """Serve until a signal."""
    from ddpm_clip.server.http.app import create_app
    from ddpm_clip.server.running import address, bound, run

    app = create_app(service, options)
    with bound(options) as listening, GracefulShutdown("finishing accepted jobs") as shutdown:
        where = address(listening)
        console.result(where)
        console.say(f"serving {', '.join(service.models.ids)}; for OpenAI clients: {where}/v1")
        drained = run(app, listening, lambda: shutdown.asked is not None)
    console.say("stopped" if drained else "stopped; jobs that were not finished were cancelled")
    if service.worker.opening:
        end_process()


def check_installed() -> None:
    """Raise a `UsageError` if what a server needs is not installed."""
    try:
        import fastapi  # noqa: F401
        import prometheus_client  # noqa: F401
        import python_multipart  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "a server needs packages that are not installed",
            f"{error.name} is missing",
            'pip install "ddpm-clip[studio]"',
        ) from error

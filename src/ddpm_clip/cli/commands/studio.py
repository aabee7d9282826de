"""`studio`: a page in the browser that paints, explains, edits and trains."""

import os
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.commands.serve import KEY, check_installed
from ddpm_clip.cli.interrupt import GracefulShutdown, end_process
from ddpm_clip.cli.painting_options import DEFAULT_MODEL, Device

if TYPE_CHECKING:
    from ddpm_clip.server.http.options import ServerOptions
    from ddpm_clip.server.service.service import Service
    from ddpm_clip.studio.studio import Studio

LONGEST = 3600.0
"""Seconds that a job may compute: all analyses of a picture take minutes."""

HOME = Path("studio")
"""Where a studio keeps things, unless --home says otherwise."""

TWIN = "-fast"
"""End of the name of a shipped model that paints in a few network calls."""


def studio(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL|RUN",
            help="Runs, models' folders or shipped names; by default all that ship.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="A folder with pictures to train on; repeatable."),
    ] = None,
    home: Annotated[
        Path, typer.Option(metavar="DIR", help="Where gallery, uploads and trainings are kept.")
    ] = HOME,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8765,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Paint, look inside, edit and train in the browser.

    ddpm-clip studio
    ddpm-clip studio flowers runs/photos --data photos/

    The page is only reached from this machine. It opens at once, and the models meanwhile. Ctrl-C
    finishes what was accepted and lets a training save; a second one stops at once.
    """
    check_installed()
    from ddpm_clip.server.http.options import ServerOptions, read_keys
    from ddpm_clip.studio.studio import Studio

    options = ServerOptions(port=port, keys=read_keys(None, os.environ.get(KEY)))
    opened = Studio.opened(home, data or ())
    service = _service(opened, models, device)
    _run(opened, service, options, browser=not no_browser)


def _service(opened: "Studio", models: list[str] | None, device: str) -> "Service":
    """Return the service of the models, after checking that there are such models."""
    from ddpm_clip.server.service.limits import ServiceLimits
    from ddpm_clip.server.service.models import Models
    from ddpm_clip.server.service.service import Service
    from ddpm_clip.weights import shipped_names

    served = Models(models or sorted(shipped_names(), key=_place), device)
    served.check()
    return Service(served, opened.kinds, ServiceLimits(seconds=LONGEST))


def _place(name: str) -> tuple[bool, str, bool]:
    """Return what the shipped models are sorted by: the default first, each after its fast twin."""
    slow = name.removesuffix(TWIN)
    return slow != DEFAULT_MODEL, slow, name == slow


def _run(opened: "Studio", service: "Service", options: "ServerOptions", *, browser: bool) -> None:
    """Serve until a signal, then let the training that runs save."""
    from ddpm_clip.server.http.app import create_app
    from ddpm_clip.server.running import address, bound, run
    from ddpm_clip.studio.app import add_studio

    app = create_app(service, options)
    add_studio(app, opened)
    with bound(options) as listening, GracefulShutdown("finishing accepted jobs") as shutdown:
        where = address(listening)
        console.result(where)
        if browser:  # in a thread: some browsers only return when they are closed
            threading.Thread(target=webbrowser.open, args=(where,), daemon=True).start()
        run(app, listening, lambda: shutdown.asked is not None)
        opened.trainings.close(console.say)
    console.say("stopped")
    if service.worker.opening:
        end_process()

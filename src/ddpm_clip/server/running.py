"""Runs a server until it is told to stop; then it finishes what it has accepted.

While it drains, it still answers: /readyz says 503, and a new job is refused.
"""

import asyncio
import gc
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from ddpm_clip.errors import Busy, UsageError
from ddpm_clip.server.http.options import ServerOptions
from ddpm_clip.server.service.service import Service

EVERY = 0.1
"""Seconds between two looks at whether it was told to stop."""

SWITCH = 0.0005
"""Seconds after which the thread that paints lets the one that answers go on; Python's own 5 ms
would be added to every answer while something is painted."""

CLOSING = 5
"""Seconds that open responses get after the last job."""


def bound(options: ServerOptions) -> socket.socket:
    """Return a socket that listens on the address of the options; port 0 chooses a free one.

    Raises:
        UsageError: There is no such address here.
        Busy: The port is in use.
    """
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        listening = socket.create_server((options.host, options.port), family=family, backlog=2048)
        # asyncio sets this only for sockets that name TCP as their protocol, which those of
        # create_server do not. Without it, each answer waits 40 ms for an acknowledgement.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except socket.gaierror as error:
        raise UsageError(
            f"--host {options.host} is no address of this machine",
            str(error.strerror or error),
            "use 127.0.0.1",
            param="host",
        ) from error
    except OSError as error:
        raise Busy(
            f"cannot listen on {options.host}:{options.port}",
            error.strerror or str(error),
            "choose another --port, or 0 for any free one",
        ) from error


def address(listening: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)
    return f"http://{host}:{port}"


def run(app: FastAPI, listening: socket.socket, asked: Callable[[], object]) -> bool:
    """Serve until `asked()` is true, then drain; return whether all accepted jobs were finished.

    Args:
        app: From `create_app`.
        listening: From `bound`.
        asked: Whether somebody asked to stop; looked at ten times a second.
    """
    options: ServerOptions = app.state.options
    sys.setswitchinterval(SWITCH)
    server = Server(uvicorn.Config(app, http=timed(options.read_seconds), **SETTINGS))
    service: Service = app.state.service
    service.start()
    return asyncio.run(_serve(server, listening, service, asked, options.drain_seconds))


SETTINGS: dict[str, Any] = {
    "log_config": None,
    "access_log": False,  # a path may hold an id, which is a right to read
    "server_header": False,
    "proxy_headers": False,
    "lifespan": "off",
    "ws": "none",
    "timeout_graceful_shutdown": CLOSING,
}


class Server(uvicorn.Server):
    """A server that leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle none."""
        yield


async def _serve(
    server: Server,
    listening: socket.socket,
    service: Service,
    asked: Callable[[], object],
    seconds: float,
) -> bool:
    running = asyncio.create_task(server.serve([listening]))
    freezing = asyncio.create_task(freeze_models(service))
    while not asked() and not running.done():
        await asyncio.sleep(EVERY)
    freezing.cancel()
    service.close()
    drained = await asyncio.to_thread(service.stop, seconds)
    server.should_exit = True
    await running
    return drained


async def freeze_models(service: Service) -> None:
    """Let the garbage collector pass over what is there once the models are open.

    They and their libraries stay until the end, and looking at all of it, as Python does while many
    connections come, holds up every answer.
    """
    while service.worker.opening:
        await asyncio.sleep(EVERY)
    gc.collect()
    gc.freeze()


class TimedProtocol(H11Protocol):
    """Closes a connection whose request line and headers come too slowly.

    The time of a body is limited where it is read (`http/bodies.py`).
    """

    seconds = 20.0
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Stop waiting once the head of a request is complete."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._arrived()
        elif self._late is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._arrived()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Stop waiting: uvicorn closes idle connections."""
        super().on_response_complete()
        self._arrived()

    def _wait(self) -> None:
        self._late = self.loop.call_later(self.seconds, self.transport.close)

    def _arrived(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def timed(seconds: float) -> type[TimedProtocol]:
    """Return the protocol with another limit."""
    return type("TimedProtocol", (TimedProtocol,), {"seconds": seconds})

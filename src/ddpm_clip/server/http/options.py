"""Addresses, origins, keys and limits of a server."""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from ddpm_clip.errors import MissingInput, UsageError

MIB = 2**20
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SHORTEST_KEY = 16


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a server is reached, by whom, and what it reads.

    Attributes:
        host: The address that it listens on.
        port: The port.
        keys: Whoever calls must have one of these; () is only possible on loopback.
        hosts: Names in `Host` that are accepted beside the address itself.
        origins: Other origins whose pages may call, such as https://example.org.
        body: Most bytes of a JSON body.
        picture: Most bytes of an uploaded picture or form.
        read_seconds: Within this time a request must have arrived.
        drain_seconds: How long accepted jobs may take after SIGTERM.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    keys: tuple[str, ...] = field(default=(), repr=False)
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    body: int = MIB
    picture: int = 32 * MIB
    read_seconds: float = 20.0
    drain_seconds: float = 30.0

    @property
    def accepted_hosts(self) -> frozenset[str]:
        """The names in `Host`, without a port, that are answered."""
        own = () if self.host in ("0.0.0.0", "::", "") else (self.host.lower(),)
        return frozenset((*LOOPBACK, *own, *(name.lower() for name in self.hosts)))

    def check(self) -> None:
        """Raise a `UsageError` if strangers could reach the server without a key."""
        if self.keys or is_loopback(self.host):
            return
        raise UsageError(
            f"--host {self.host} without a key",
            "whoever reaches this address could use the server",
            "write a key of at least 16 characters into a file: --key-file FILE",
            param="host",
        )


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine only; a name other than localhost is not."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_keys(path: Path | None, variable: str | None) -> tuple[str, ...]:
    """Return the keys in a file, one a line, and in an environment variable.

    Args:
        path: The file; lines that begin with # are left out.
        variable: The value of the environment variable.

    Raises:
        MissingInput: There is no such file.
        UsageError: It holds no key, or one is too short or not plain ASCII.
    """
    lines = [variable] if variable else []
    if path is not None:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise MissingInput(
                f"cannot read the keys in {path}", fix="give another --key-file", param="key-file"
            ) from error
        lines += [line for line in text.splitlines() if not line.startswith("#")]
        if not any(line.strip() for line in lines):
            raise UsageError(f"{path} holds no key", fix="write one a line", param="key-file")
    keys = tuple(line.strip() for line in lines if line.strip())
    for number, key in enumerate(keys, start=1):
        if len(key) < SHORTEST_KEY or not key.isascii() or not key.isprintable():
            raise UsageError(
                f"key {number} is not a safe key",
                f"a key has at least {SHORTEST_KEY} printable ASCII characters",
                'make one: python -c "import secrets; print(secrets.token_urlsafe(32))"',
                param="key-file",
            )
    return keys

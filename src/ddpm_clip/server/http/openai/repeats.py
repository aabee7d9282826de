"""A request that is sent again gets the pictures of the first.

A client that lost the connection repeats its request with the same `Idempotency-Key`. The job of
the first is then waited for, and nothing is painted twice.
"""

import asyncio
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any
from weakref import WeakValueDictionary

from ddpm_clip.errors import UsageError
from ddpm_clip.server.http.errors import HttpRefusal
from ddpm_clip.server.service.jobs import Job

MOST = 1000
"""Most keys that are remembered."""

LONGEST = 255
"""Most characters of a key, as in other APIs."""


class Repeats:
    """Jobs by the key of the request that they came from.

    Args:
        seconds: How long a job is remembered after its end: as long as its pictures are kept.
    """

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._known: OrderedDict[tuple[str, str], tuple[str, Job]] = OrderedDict()
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def lock(self, owner: str, key: str | None) -> asyncio.Lock:
        """Return what is held from looking for a job to keeping a new one; one lock a key."""
        if key is None:
            return asyncio.Lock()
        return self._locks.setdefault((owner, key), asyncio.Lock())

    def find(self, owner: str, key: str | None, digest: str) -> Job | None:
        """Return the job of an earlier request with this key, unless it was cancelled or failed.

        Args:
            owner: Whose request it is.
            key: The header `Idempotency-Key`; None is never found.
            digest: Hash of the whole request.

        Raises:
            UsageError: The key is too long.
            HttpRefusal: The earlier request with this key was another one (409).
        """
        if key is None:
            return None
        if not 0 < len(key) <= LONGEST:
            raise UsageError(
                "Idempotency-Key has an impossible length",
                fix=f"use 1 to {LONGEST} characters",
                param="Idempotency-Key",
            )
        earlier, job = self._known.get((owner, key), (digest, None))
        if earlier != digest:
            raise HttpRefusal(
                409,
                "E-REPEAT",
                "another request was sent with this Idempotency-Key",
                "a key means one request",
                "use a new key",
            )
        return job if job is not None and self._is_good(job) else None

    def _is_good(self, job: Job) -> bool:
        """Whether a job is on its way, or its pictures are still kept."""
        recent = time.monotonic() - job.ended < self._seconds
        return not job.over or (job.state == "done" and recent)

    def keep(self, owner: str, key: str | None, digest: str, job: Job) -> None:
        """Remember the job of a request."""
        if key is None:
            return
        self._known[owner, key] = digest, job
        while len(self._known) > MOST:
            self._known.popitem(last=False)


def digest_of(path: str, fields: Mapping[str, Any], files: Mapping[str, bytes]) -> str:
    """Return the hash of what a request asks for; the boundaries of a form are no part of it."""
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return hashlib.sha256(json.dumps([path, fields, hashes], sort_keys=True).encode()).hexdigest()

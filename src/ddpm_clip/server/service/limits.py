"""How much a service accepts and keeps, so that no client can fill its memory or its time."""

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """Limits of a service.

    Attributes:
        queue: Most jobs that wait; a further one is refused.
        batch: Most pictures that are painted together.
        seconds: Longest time that one batch of jobs may compute.
        jobs: Most finished jobs that are kept.
        pictures: Most pictures that are kept.
        picture_bytes: Most bytes of all kept pictures.
        keep_seconds: How long finished jobs and pictures are kept.
        steps_kept: Most `step` events that a job keeps for a client that connects again.
    """

    queue: int = 32
    batch: int = 16
    seconds: float = 600.0
    jobs: int = 512
    pictures: int = 4096
    picture_bytes: int = 256 * MIB
    keep_seconds: float = 3600.0
    steps_kept: int = 100


MOST_PICTURES = 10
"""Most pictures of one request."""

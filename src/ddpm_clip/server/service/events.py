"""What a job tells while it runs: small named events with plain data.

Every kind of job yields `step`, `part` and `warning` events. The others are told by the service.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

ENDS = ("done", "failed", "cancelled")
"""The last event of a job is one of these, and its state has the same name."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        name: queued, started, step, part, warning, done, failed or cancelled.
        data: Plain data, which JSON can hold.
    """

    name: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event of a job with its number, from 1 on; a client that lost some asks by number."""

    id: int
    event: Event


def step(number: int, of: int, previews: Sequence[str] = ()) -> Event:
    """Return the event of a finished sampling step.

    Args:
        number: The step, from 1 on.
        of: How many there are.
        previews: A data URL of a PNG per picture, or none.
    """
    return Event("step", {"step": number, "steps": of} | shown(previews))


def shown(previews: Sequence[str]) -> dict[str, Any]:
    """Return the entry of the previews; {} if there are none."""
    return {"previews": list(previews)} if previews else {}


def part(**facts: Any) -> Event:
    """Return the event of a finished part of a longer result."""
    return Event("part", facts)


def warning(message: str) -> Event:
    """Return the event of a warning."""
    return Event("warning", {"message": message})

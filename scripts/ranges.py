"""The range beside a measured time or ratio, from the result that holds it."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Facts = Mapping[str, Any]
Range = tuple[float, float]

NEEDING = ("x", "s", "minutes")
"""Units of ratios and times, which are shown with their range."""

NONE: dict[tuple[str, str], str] = {
    ("beside_real", "Fréchet distance .*"): "one set of pictures",
    ("without_words", "Fréchet distance .*"): "one set of pictures",
    ("twins", "(Fréchet distance|recall), of the teacher's"): "one training each",
    ("noise_levels", "error at sigma.*"): "one training each",
    ("group_norm", "groups of .*"): "range not recorded",
    ("memory", "anonymous memory .*"): "one run each",
    ("races", "slowest end .*"): "slowest of all",
    ("server", "(a refusal|/healthz meanwhile), 99 %"): "of all requests",
    ("server", "64 clients, together or one after the other"): "one run each",
    ("studio_browser", "the page after the command"): "one start",
    ("signals", "longest wait .*"): "longest of all",
}
"""(result, claim) of what has no range -> why, as the page says it."""


def range_of(result: str, facts: Facts, claim: Facts) -> Range | None:
    """Smallest and largest of what a claim's figure is the median of; None if there is none."""
    found = FINDERS[result](facts, claim["claim"]) if result in FINDERS else None
    return None if found is None else (min(found), max(found))


def why_none(result: str, claim: Facts) -> str:
    """Why a time or a ratio is shown without a range; "" for a claim that is not listed."""
    for (name, pattern), why in NONE.items():
        if name == result and re.match(rf"(.*: )?{pattern}", claim["claim"]):
            return why
    return ""


def rates(timing: Facts) -> Range:
    """Work per second of the slowest and the fastest round, of `Timing.as_dict`."""
    work = timing["per_second"] * timing["seconds"]
    shortest, longest = timing["seconds_range"]
    return work / longest, work / shortest


def seeds_to(facts: Facts, share: float, arm: str = "ours") -> list[float] | None:
    """Minutes of each seed to a share of success; None unless all seeds got there."""
    found = []
    for curve in facts["curves"].get(arm, {}).values():
        reached = [p["minutes"] for p in curve["points"] if p["share"] >= share]
        if not reached:
            return None
        found.append(min(reached))
    return found or None


def _ends(one: Facts) -> Sequence[float]:
    return [one["low"], one["high"]]


def _cold_start(facts: Facts, claim: str) -> Sequence[float] | None:
    start = facts["starts"].get(claim.partition(": ")[2])
    return start and start["seconds_range"]


def _against_peer(facts: Facts, claim: str) -> Sequence[float] | None:
    peers = [peer for peer in facts["ratios"] if claim.endswith(peer)]
    return _ends(facts["ratios"][max(peers, key=len)]["equal_parameters"]) if peers else None


def _opening(facts: Facts, claim: str) -> Sequence[float]:
    key = "open_growth_mb" if claim.startswith("memory") or claim.endswith("MB") else "open_seconds"
    return facts["opened"][key]["all"]


def _roofline(facts: Facts, claim: str) -> Sequence[float]:
    """Shares of the step, from the rounds: of its convolutions, or of the ceiling it reaches."""
    if "convolutions alone" in claim:
        return _ends(facts["convolutions_share"])
    step = facts["step"]
    claimed = facts["share_of_ceiling"]
    return [claimed * step["seconds"] / seconds for seconds in step["seconds_range"]]


def _minutes(facts: Facts, claim: str) -> Sequence[float] | None:
    (per_cent,) = re.findall(r"([\d.]+)%", claim)
    return seeds_to(facts, float(per_cent) / 100)


def _group_norm(facts: Facts, claim: str) -> Sequence[float] | None:
    return facts.get("times_the_fastest_range")


def _busy(facts: Facts, claim: str) -> Sequence[float] | None:
    """Of our arm, relative to the reference alone; what it costs alone is that minus 1."""
    for work, places in facts["measured"].items():
        for where, arms in places.items():
            ours = [one for arm, one in arms.items() if arm != facts["reference"]]
            if claim.startswith(f"{work} {where}, relative") and ours:
                return _ends(ours[0]["relative"])
            if claim.startswith(f"{work}: more time") and where == "alone" and ours:
                return [end - 1 for end in _ends(ours[0]["relative"])]
    return None


def _twins(facts: Facts, claim: str) -> Sequence[float] | None:
    of_speed = claim.endswith("pictures a second, of the teacher's")
    return _ends(facts[claim.partition(",")[0]]["times_faster"]) if of_speed else None


FINDERS: dict[str, Callable[[Facts, str], Sequence[float] | None]] = {
    "startup": _cold_start,
    "train_step": _against_peer,
    "twins": _twins,
    "sampling": lambda facts, claim: (
        _ends(facts["times_as_fast"]) if "ancestral steps" in claim else None
    ),
    "embedding": lambda facts, claim: (
        _ends(facts["share_of_bare"]) if "bare encoder" in claim else None
    ),
    "manifest": _opening,
    "roofline": _roofline,
    "roofline_muon": _roofline,
    "time_to_quality": _minutes,
    "group_norm": _group_norm,
    "busy": _busy,
    "unconditional_branch": lambda facts, claim: [
        row["together"]["without_condition"] / row["alone"]["without_condition"]
        for row in facts["seeds"]
    ],
}
"""Result -> the range of one of its claims."""

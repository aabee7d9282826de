"""The section of docs/results.md about the fast twins of the shipped models."""

from typing import Any

from page_tables import span, table

Facts = dict[str, Any]


def twins(facts: Facts) -> list[str]:
    """Each twin below its teacher: distance from real pictures, variety, success, speed."""
    names = [name for name in ("digits", "digits-fast", "flowers", "flowers-fast") if name in facts]
    head = ["", "Fréchet distance (real)", "recall (real)", "as asked", "told apart", "speed"]
    return [
        "A twin was distilled from the model above it and paints in two network calls; guidance is "
        "built in. *As asked* is what the judge reads as asked; *told apart* the share of real and "
        "painted pictures that a classifier of the judge's features tells apart (50 % is chance).",
        table(head, [_row(name, facts[name]) for name in names], "lrrrrr"),
        "The first seeds of each, the twin below its teacher:",
        *(f"![The first seeds of {name}](images/twins-{name}.png)" for name in names),
    ]


def _row(name: str, one: Facts) -> list[str]:
    faster = one.get("times_faster")
    return [
        f"`{name}`, n = {one['pictures']:,}",
        _beside(one["frechet"]),
        _beside(one["recall"]),
        f"{one['success']['share']:.1%} ({span(one['success']['interval_95'])})",
        f"{one['told_apart']['accuracy']:.0%}",
        f"{faster['median']:.0f} times ({faster['low']:.0f} to {faster['high']:.0f})"
        if faster
        else "1",
    ]


def _beside(figure: Facts) -> str:
    return f"{figure['value']:.3g} ({figure['real']:.3g})"

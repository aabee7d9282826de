"""`show`: shows the facts of a model or run."""

from typing import Any

from ddpm_clip.cli import console
from ddpm_clip.cli.options import AsJson
from ddpm_clip.cli.painting_options import ModelArgument
from ddpm_clip.utils.resizing import Size


def show(model: ModelArgument, as_json: AsJson = False) -> None:
    """Show the facts of a run or a model.

    ddpm-clip show runs/photos
    ddpm-clip show digits --json
    """
    from ddpm_clip.runs.pretrained import describe

    facts = describe(model)
    if as_json:
        return console.result_json(facts)
    for name, value in _lines(facts):
        console.result(console.printable(f"{name + ':':<14}{value}"))


def _bridge(bridge: str, note: dict[str, Any]) -> str:
    """Return the default bridge and, if known, why it was chosen."""
    return f"{bridge} ({note['reason']})" if note.get("bridge") == bridge else bridge


def _prior(about: dict[str, Any] | None) -> str:
    return f"fitted on {about['n']} {about['pairs']}" if about else ""


def _distilled(made: dict[str, Any]) -> str:
    """Return in how many calls a few-call model paints, and what it was distilled from."""
    calls, (low, high) = len(made["levels"]), made["scales"]
    if not calls:
        return ""
    times = "1 call" if calls == 1 else f"{calls} calls"
    return f"from {made['teacher']}, {times} a picture, guidance {low:g} to {high:g}"


def _lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the most important facts; `--json` prints all of them."""
    config = facts["config"]
    data, network, embedder = config["data"], config["model"], config["embedder"]
    last = facts.get("last") or {}
    rows = [
        ("name", facts["name"]),
        ("kind", facts["kind"]),
        ("folder", facts["folder"]),
        (
            "step",
            "" if facts["step"] is None else f"{facts['step']} of {config['training']['steps']}",
        ),
        ("loss", f"{last['loss']:.4f}" if last else ""),
        (
            "pictures",
            f"{data['source']}, {Size.of(data['image_size'])}, {data['channels']} channel(s)",
        ),
        ("classes", ", ".join(facts["classes"][:20])),
        ("network", f"{network['arch']} {network['down_chs']}"),
        ("distilled", _distilled(config["distillation"])),
        ("embedder", " ".join(filter(None, (embedder["name"], embedder["model"])))),
        ("bridge", _bridge(config["conditioning"]["bridge"], facts["bridge"])),
        ("prior", _prior(facts["bridge"].get("prior"))),
    ]
    rows += [(name, str(value)) for name, value in facts["card"].items()]
    rows += [("licence", f"{one['licence']}. {one['attribution']}") for one in facts["licences"]]
    return [(name, value) for name, value in rows if value]

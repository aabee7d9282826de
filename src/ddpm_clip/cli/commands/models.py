"""`models`: lists the shipped models."""

from typing import Any

from ddpm_clip.cli import console
from ddpm_clip.cli.options import AsJson
from ddpm_clip.utils.resizing import Size


def models(as_json: AsJson = False) -> None:
    """List the shipped models.

    ddpm-clip models
    ddpm-clip models --json
    """
    from ddpm_clip.runs.pretrained import describe
    from ddpm_clip.weights import shipped_names

    facts = [describe(name) for name in shipped_names()]
    if as_json:
        return console.result_json({"models": [_without_config(one) for one in facts]})
    for one in facts:
        data = one["config"]["data"]
        about = one["card"].get("description") or f"trained on {data['source']}"
        size = Size.of(data["image_size"])
        console.result(f"{one['name']:<14}{size!s:<9}{one['megabytes']:>5} MB  {about}")
    console.say('Paint: ddpm-clip generate "your words" --model NAME')


def _without_config(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name != "config"}

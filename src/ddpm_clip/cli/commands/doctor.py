"""`doctor`: checks this machine and installation."""

import os
import platform
import tempfile
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any

import ddpm_clip
from ddpm_clip.cli import console
from ddpm_clip.cli.options import AsJson
from ddpm_clip.errors import UsageError

PACKAGES = (
    "torch",
    "numpy",
    "pillow",
    "safetensors",
    "transformers",
    "pydantic",
    "pyarrow",
    "typer",
    "rich",
    "matplotlib",
)
GPU = ("cuda", "mps")


def doctor(as_json: AsJson = False) -> None:
    """Check this installation: versions, device, disk, models.

    ddpm-clip doctor
    ddpm-clip doctor --json
    """
    facts = _facts()
    if as_json:
        return console.result_json(facts)
    for name, value in facts.items():
        console.result(f"{name.replace('_', ' ') + ':':<19}{_told(value)}")


def _told(value: Any) -> str:
    """Return a fact as text; names of variables are left as they are."""
    if isinstance(value, dict):
        words = {k if k.isupper() else k.replace("_", " "): v for k, v in value.items()}
        return ", ".join(f"{k} {_told(v)}" for k, v in words.items())
    return (", ".join(value) or "none") if isinstance(value, list) else str(value)


def _facts() -> dict[str, Any]:
    from ddpm_clip.registry import GROUP
    from ddpm_clip.weights import shipped_names

    return {
        "ddpm_clip": ddpm_clip.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
        **_machine(),
        "writable_here": _is_writable(Path.cwd()),
        "writable_temp": _is_writable(Path(tempfile.gettempdir())),
        "shipped_models": shipped_names(),
        "plug_ins": [_plug_in(point) for point in entry_points(group=GROUP)],
        "pretrained_clips": _pretrained(),
        "recommended_clip": _recommended(),
    }


def _machine() -> dict[str, Any]:
    import torch

    from ddpm_clip.cli.machine_load import machine_load
    from ddpm_clip.utils.cpu_threads import openmp_library, threads_from, waiting
    from ddpm_clip.utils.device import has_fast_bfloat16, pick_device

    device = pick_device()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {
        "device": f"{device} ({name})",
        "fast_bfloat16": has_fast_bfloat16(device),
        "threads": torch.get_num_threads(),
        "threads_chosen_by": threads_from(),
        "waiting": waiting(),
        **({"openmp": library} if (library := openmp_library()) else {}),
        "cpus": os.cpu_count(),
        **({"load": load} if (load := machine_load()) else {}),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _plug_in(point: EntryPoint) -> str:
    """An entry that an installed package adds, and why it cannot be used where it cannot."""
    from ddpm_clip.registry import load_plug_in

    try:
        load_plug_in(point)
    except UsageError as error:
        return f"{point.name} cannot be loaded: {error.why}"
    return f"{point.name} of {point.dist.name if point.dist else point.value}"


def _is_writable(folder: Path) -> bool:
    """Return whether a file can really be written there; permissions alone are not enough."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
            file.flush()
    except OSError:
        return False
    return True


def _pretrained() -> dict[str, str]:
    """Return which of the known pretrained models are on this disk; downloads nothing."""
    from huggingface_hub import try_to_load_from_cache

    from ddpm_clip.embedders.pretrained.known_models import KNOWN

    offline = "HF_HUB_OFFLINE is set" if os.environ.get("HF_HUB_OFFLINE") else "not on this disk"
    found = {}
    for model, known in KNOWN.items():
        here = try_to_load_from_cache(model, "config.json", revision=known.revision)
        here = here or try_to_load_from_cache(model, "config.json")
        place = "on this disk" if isinstance(here, str) else offline
        found[model] = f"{place} ({known.megabytes} MB)"
    return found


def _recommended() -> list[str]:
    """Return which pretrained model suits this machine, for how many pictures."""
    from ddpm_clip.embedders.pretrained.advice import advise
    from ddpm_clip.utils.device import has_fast_bfloat16, pick_device

    device = pick_device()
    fast = has_fast_bfloat16(device)
    return [
        f"{one.model} for {'more' if one.most is None else f'up to {one.most:,} pictures'}"
        for one in advise(os.cpu_count() or 1, gpu=device.type in GPU, fast_bfloat16=fast)
    ]

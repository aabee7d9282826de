"""What the package does, as hashes and figures: recorded once, compared ever after.

    python tests/golden/recording.py            compares, and says what differs
    python tests/golden/recording.py --write    records anew; read the diff before committing it

Goes through the command line and a few public names only, so that it runs on any layout of the
code. Hashes of pictures and weights hold on the machine that recorded them (`machine`): other
processors round sums differently. Elsewhere the coarse figures beside each hash are compared.
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import platform
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

GOLDEN = Path(__file__).with_name("golden.json")
BRIDGES = ("identity", "shift", "noise", "knn", "prior")
SAMPLERS = ("dpmpp_2m", "ddim")
PROMPTS = {
    "digits": ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
    "flowers": ["a red rose", "an orange sunflower", "a white daisy", "a blue violet"],
}
SMALL = (
    "--set",
    "model.down_chs=[16, 32]",
    "--set",
    "model.blocks=1",
    "--set",
    "model.attention=0",
    "--set",
    "training.dtype=float32",
    "--steps",
    "20",
    "--set",
    "training.batch_size=16",
    "--no-animation",
)
RUNS = {
    "flowers": ("drawn-flowers:80", "--preset", "flowers", "--set", "data.heldout=16"),
    "digits": ("drawn-flowers:80", "--preset", "digits", "--set", "data.channels=1",
               "--set", "data.image_size=28", "--set", "data.heldout=16"),
    "labels": ("drawn-flowers:80", "--set", "embedder.name=labels", "--set", "data.heldout=16"),
}  # fmt: skip
"""Trainings of 20 steps of a small network; all but these keys are the preset's."""


RANKED = ("sha256", "order")
"""What differs on another processor: hashes, and the order of steps that matter equally."""


def machine() -> str:
    """All that decides how sums are rounded."""
    flags = ""
    with contextlib.suppress(OSError):
        info = Path("/proc/cpuinfo").read_text()
        flags = " ".join(sorted(set(re.findall(r"^(?:model name|flags)\s*:.*", info, re.M))))
    capability = torch.backends.cpu.get_cpu_capability()
    parts = (platform.machine(), flags, capability, torch.__version__, np.__version__)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def command(*words: object) -> str:
    """Run a command line in this process; what it printed."""
    from ddpm_clip.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(word) for word in words])
    if code:
        raise SystemExit(f"{' '.join(map(str, words))} ended with {code}:\n{err.getvalue()}")
    return out.getvalue()


def digest(pictures: "list[Image.Image]") -> dict[str, object]:
    """The hash of all pixels, and the mean of each quarter of all pictures for other machines."""
    pixels = np.stack([np.asarray(one) for one in pictures])
    halves = [np.array_split(half, 2, axis=2) for half in np.array_split(pixels, 2, axis=1)]
    means = [round(float(quarter.mean()), 1) for half in halves for quarter in half]
    return {"sha256": hashlib.sha256(pixels.tobytes()).hexdigest(), "means": means}


def painted(*words: object) -> dict[str, object]:
    """What a command that paints leaves."""
    entries = json.loads(command(*words, "--json"))
    return digest([opened(entry["file"]) for entry in entries])


def opened(file: str) -> Image.Image:
    """A picture in memory, its file closed."""
    with Image.open(file) as image:
        return image.copy()


def pictures() -> dict[str, object]:
    """Forty pictures of each shipped model by every bridge it has and two samplers."""
    found: dict[str, object] = {}
    for model, prompts in PROMPTS.items():
        n = 40 // len(prompts)
        for bridge in BRIDGES:
            for sampler in SAMPLERS:
                found[f"{model} {bridge} {sampler}"] = painted(
                    "generate",
                    *prompts,
                    "--model",
                    model,
                    "-n",
                    n,
                    "--steps",
                    4,
                    "--seed",
                    0,
                    "--bridge",
                    bridge,
                    "--sampler",
                    sampler,
                    "--out",
                    "painted",
                )
    return found


def edits() -> dict[str, object]:
    """Each editing command, of both shipped models, and guidance by a CLIP."""
    found: dict[str, object] = {}
    for model, (a, b) in {"digits": ("a six", "a two"), "flowers": PROMPTS["flowers"][:2]}.items():
        common = ("--model", model, "-n", 2, "--steps", 4, "--out", f"edits-{model}")
        source, mask = f"{model}.png", f"{model}-mask.png"
        command("generate", a, "--model", model, "-n", 1, "--steps", 4, "--out", source)
        size = opened(source).size
        drawn = np.zeros(size[::-1], np.uint8)
        drawn[: size[1] // 2] = 255
        Image.fromarray(drawn).save(mask)
        larger = f"{model}-larger.png"  # so that the resizer is in it
        opened(source).resize((50, 41), Image.Resampling.BICUBIC).save(larger)
        lines = {
            "vary": ("vary", source, "--strength", 0.5),
            "vary larger": ("vary", larger),
            "interpolate": ("interpolate", a, b, "--frames", 3),
            "blend": ("blend", f"{a}:0.7", f"{b}:0.3"),
            "blend with a picture": ("blend", f"{a}:0.7", f"{source}:0.3"),
            "img2img": ("img2img", source, b, "--strength", 0.6),
            "img2img larger": ("img2img", larger, b, "--strength", 0.6),
            "inpaint": ("inpaint", source, b, "--mask", mask, "--rounds", 2),
            "guided": ("generate", a, "--clip-guidance", 1),
            "without words": ("generate", "--unconditional"),
            "away from": ("generate", a, "--negative", b),
        }
        for name, (verb, *words) in lines.items():
            its = [word for word in common if verb != "interpolate" or word not in ("-n", 2)]
            found[f"{model} {name}"] = painted(verb, *words, *its)
    return found


def runs() -> dict[str, object]:
    """The losses of short runs and the hash of what they learned."""
    from safetensors.numpy import load_file

    found: dict[str, object] = {}
    for name, words in RUNS.items():
        command("train", *words, *SMALL, "--out", f"runs/{name}")
        lines = Path(f"runs/{name}/history.jsonl").read_text().splitlines()
        losses = [round(json.loads(line)["loss"], 6) for line in lines if '"loss"' in line]
        command("pack", f"runs/{name}", "--out", f"packed/{name}")
        weights = load_file(f"packed/{name}/model.safetensors")
        whole = hashlib.sha256()
        for key in sorted(weights):
            whole.update(key.encode() + weights[key].tobytes())
        found[name] = {"losses": losses, "sha256": whole.hexdigest()}
    return found


def shown() -> dict[str, object]:
    """What `show --json` says of the shipped models, without where they lie."""
    found = {}
    for model in PROMPTS:
        facts = json.loads(command("show", model, "--json"))
        found[model] = {key: facts[key] for key in facts if key not in ("folder", "megabytes")}
    return found


def explained() -> dict[str, object]:
    """Verdicts and numbers of every analysis of the planted mixture, quick."""
    from ddpm_clip.explain.report.files import as_json
    from ddpm_clip.explain.report.run_all import explain_all
    from ddpm_clip.explain.target.planted import planted_target
    from ddpm_clip.utils.generators import finish

    target = planted_target(seeds=tuple(range(8)), steps=12)
    analyses = as_json(finish(explain_all(target, quick=True)))["analyses"]
    words = ("title", "caption", "test", "seconds", "why", "fix")
    return {one["name"]: {k: v for k, v in one.items() if k not in words} for one in analyses}


def keys(value: object) -> object:
    """The keys of a JSON document, all the way down; a list counts by its first entry."""
    if isinstance(value, dict):
        return {key: keys(one) for key, one in value.items()}
    return [keys(one) for one in value[:1]] if isinstance(value, list) else None


def evaluated() -> object:
    """The keys of what `evaluate --json` prints, part by part."""
    whole = json.loads(command("evaluate", "flowers", "-n", 1, "--out", "told", "--json"))
    return keys({key: value for key, value in whole.items() if key != "made"})


def helps() -> dict[str, str]:
    """Every `--help`, as wide as where there is no terminal."""
    os.environ["COLUMNS"] = "80"
    names = re.findall(r"^  ([a-z][\w-]+)  ", command("--help"), re.M)
    return {name: command(name, "--help") for name in sorted(set(names))}


PARTS = {
    "pictures": pictures,
    "edits": edits,
    "runs": runs,
    "shown": shown,
    "explained": explained,
    "evaluated": evaluated,
    "helps": helps,
}


def record(names: "list[str] | None" = None) -> dict[str, object]:
    """Everything, or the named parts, made in a folder of its own."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return {name: part() for name, part in PARTS.items() if names is None or name in names}


def differences(then: object, now: object, exact: bool, at: str = "") -> list[str]:
    """Where two recordings differ; not `exact` leaves hashes out and rounds figures."""
    if isinstance(then, dict) and isinstance(now, dict):
        return [
            line
            for key in {**then, **now}
            for line in differences(then.get(key), now.get(key), exact, f"{at}/{key}")
            if exact or key not in RANKED
        ]
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        pairs = enumerate(zip(then, now, strict=True))
        return [line for i, (a, b) in pairs for line in differences(a, b, exact, f"{at}/{i}")]
    number = all(isinstance(one, (int, float)) for one in (then, now))
    if then == now or (
        number and not exact and abs(then - now) <= 0.02 * max(1, abs(then), abs(now))
    ):
        return []
    return [f"{at}: {str(then)[:200]} -> {str(now)[:200]}"]


def renewed(old: dict[str, object], now: dict[str, object]) -> dict[str, object]:
    """The recording with new parts; hashes of two machines are never mixed."""
    here, parts = machine(), old["parts"] | now
    if "sha256" not in json.dumps(now) or old.get("machine") == here:
        return {"machine": old.get("machine", here), "parts": parts}
    if set(parts) - set(now):
        raise SystemExit(
            "recorded on another machine: its hashes do not hold here; write all parts"
        )
    return {"machine": here, "parts": now}


def main() -> int:
    """Compare or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS])
    given = parser.parse_args()
    now = record(given.parts or None)
    old = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {"parts": {}}
    if given.write:
        GOLDEN.write_text(json.dumps(renewed(old, now), indent=1, ensure_ascii=False) + "\n")
        return 0
    same = old["machine"] == machine()
    lines = differences({name: old["parts"][name] for name in now}, now, same)
    print("\n".join(lines) or f"equal{'' if same else ', as far as another machine can tell'}")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())

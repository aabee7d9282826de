"""What works on this machine's GPU: the device tests, and every preset in every mode, trained.

`python benchmarks/gpu_check.py`, or `make gpu-check`. Each preset's network is trained for a few
steps on random pictures of the preset's size: in float32 as the reference, in bfloat16, in float16
with a scaled loss, in TensorFloat-32, compiled, and with all pictures on the device. A mode passes
if its losses are finite and, on average, those of the reference. What this machine does not have is
listed as absent, what was not reached as not run; neither counts as passed.

Exit codes: 0 if nothing failed, 1 if something did, 2 if there is no such device. `--device cpu`
runs the same checks on the CPU, to try the program itself; its result is about no GPU.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from reporting import RESULTS, ROOT, parsed, write_results
from torch.nn import functional as F

from ddpm_clip.build import usable_device
from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.config.resolve import preset_names, resolve
from ddpm_clip.config.schema import Config
from ddpm_clip.errors import DdpmClipError, UsageError
from ddpm_clip.runs.run import Run
from ddpm_clip.training.loop import train
from ddpm_clip.training.steps.prepared import Prepared
from ddpm_clip.utils.device import pick_device

REFERENCE = "float32"
MODES: dict[str, dict[str, Any]] = {
    REFERENCE: {"dtype": "float32"},
    "bfloat16": {"dtype": "bfloat16"},
    "float16": {"dtype": "float16"},
    "tf32": {"dtype": "float32", "tf32": True},
    "compiled": {"dtype": "float32", "compile": True},
    "on_device": {"dtype": "float32", "data_on_device": True},
}
"""Name of a mode -> keys of `training` that make it."""

TOLERANCE = {"bfloat16": 0.1, "float16": 0.1, "tf32": 0.02, "compiled": 0.02, "on_device": 0.005}
"""Largest relative difference of the mean loss from that of the reference."""

PASSED, FAILED, ABSENT, NOT_RUN = "passed", "failed", "absent", "not run"
PICTURES = 96
LONGEST = 1200.0
"""Seconds that the device tests may take."""


@dataclass(frozen=True)
class Check:
    """One thing that was tried, or why not."""

    name: str
    status: str
    seconds: float = 0.0
    why: str = ""
    figures: Mapping[str, float] | None = None


def chosen_device(name: str) -> torch.device:
    """Return the device to check: `auto` is the GPU of this machine, and never the CPU.

    Raises:
        UsageError: there is none.
    """
    if name != "auto":
        return usable_device(name)
    device = pick_device()
    if device.type == "cpu":
        raise UsageError(
            "there is no GPU here",
            "torch finds neither CUDA nor MPS",
            "run this on a machine with one; --device cpu only tries the program itself",
            param="device",
        )
    return device


def device_tests(device: torch.device, words: Sequence[str] = ()) -> list[Check]:
    """Run the suite's tests with the marker `device` on a device."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-m", "device", "-p", "no:cacheprovider"]
        command += [f"--junitxml={report}", *(words or [str(ROOT / "tests" / "device")])]
        environment = os.environ | {"DDPM_CLIP_TEST_DEVICE": str(device)}
        try:
            run = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LONGEST
            )
        except subprocess.TimeoutExpired:
            why = f"not finished after {LONGEST:.0f} s"
            return [Check("device tests", FAILED, LONGEST, why)]
        if not report.is_file():
            return [Check("device tests", FAILED, time.perf_counter() - start, run.stdout[-500:])]
        found = read_report(report)
    return found or [Check("device tests", FAILED, time.perf_counter() - start, "no test was run")]


def read_report(path: Path) -> list[Check]:
    """Return the tests of a JUnit report: passed, failed, or absent where a test was skipped."""
    found = []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        told = {child.tag: child.get("message", "") for child in case}
        bad = told.get("failure", told.get("error"))
        status = FAILED if bad is not None else ABSENT if "skipped" in told else PASSED
        why = bad if bad is not None else told.get("skipped", "")
        seconds = float(case.get("time", 0))
        found.append(Check(f"test: {case.get('name')}", status, seconds, why.strip()[:500]))
    return found


def absent(mode: str, device: torch.device) -> str:
    """Return why this machine does not have a mode; "" if it should."""
    if mode == "tf32":
        if device.type != "cuda":
            return f"{device.type} has no TensorFloat-32"
        if torch.cuda.get_device_capability(device) < (8, 0):
            return "this GPU is older than TensorFloat-32 (compute capability 8.0)"
    if mode == "bfloat16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        return "this GPU has no bfloat16"
    if (
        mode == "compiled"
        and device.type == "cpu"
        and not (shutil.which("g++") or os.getenv("CXX"))
    ):
        return "compiling for CPUs needs a C++ compiler, and there is none"
    return ""


def data_of(config: Config) -> Prepared:
    """Random pictures of a config's size, with embeddings, mirror images and a few held out."""
    rng, size = np.random.default_rng(0), config.data.image_size
    coarse = rng.integers(0, 256, (PICTURES, config.data.channels, 4, 4), dtype=np.uint8)
    rows = np.arange(size.height) * 4 // size.height
    columns = np.arange(size.width) * 4 // size.width
    pixels = np.ascontiguousarray(coarse[:, :, rows][:, :, :, columns])
    generator = torch.Generator().manual_seed(0)
    e, mirrored = F.normalize(torch.randn(2, PICTURES, 64, generator=generator), dim=2)
    conditioner = Conditioner.fit(e, e[:8])
    return Prepared(pixels, e, conditioner, np.arange(8), mirrored if config.data.flip else None)


def trained(preset: str, mode: str, device: torch.device, steps: int, batch: int) -> dict[str, Any]:
    """Train a preset in a mode; its mean loss, skipped steps and pictures a second.

    Raises:
        DdpmClipError, RuntimeError: the training failed.
    """
    flags = {
        "training.steps": steps,
        "training.batch_size": batch,
        "training.warmup": 0,
        "training.lr": 1e-4,
        "training.device": str(device),
        "training.heldout_every": steps,
        "training.sample_every": 0,
        **{f"training.{key}": value for key, value in MODES[mode].items()},
    }
    config, _ = resolve(preset=preset, flags=flags, environ={})
    if config.training.epochs is not None:
        config, _ = resolve(preset=preset, flags=flags | {"training.epochs": None}, environ={})
    with tempfile.TemporaryDirectory() as folder, plain_tf32():
        run = Run.create(Path(folder) / "run", config)
        with run.writing():
            done = list(train(run, data_of(config)))
    if device.type == "cuda":
        torch.cuda.empty_cache()
    losses = [one.loss for one in done if np.isfinite(one.loss)]
    speeds = [one.images_per_second for one in done[len(done) // 2 :]]
    return {
        "loss": statistics.fmean(losses) if losses else float("nan"),
        "skipped": len(done) - len(losses),
        "pictures_per_second": round(statistics.median(speeds), 1),
    }


class plain_tf32:
    """Restore what `use_tf32` changes for the whole process."""

    def __enter__(self) -> None:
        self.before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False

    def __exit__(self, *_: object) -> None:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = self.before


def judged(mode: str, found: Mapping[str, Any], reference: float | None) -> tuple[str, str]:
    """Return (status, why) of a training with these figures."""
    if not np.isfinite(found["loss"]):
        return FAILED, "no step had a finite loss"
    if mode == REFERENCE:
        return (PASSED, "") if not found["skipped"] else (FAILED, "steps were skipped in float32")
    if reference is None:
        return NOT_RUN, "there is no reference in float32 to compare with"
    off = abs(found["loss"] / reference - 1)
    if off <= TOLERANCE[mode]:
        return PASSED, ""
    return FAILED, f"the mean loss is off by {off:.1%}, allowed are {TOLERANCE[mode]:.1%}"


def is_lost(device: torch.device) -> bool:
    """Whether the device computes nothing any more, as after an illegal access."""
    try:
        return bool(torch.ones(2, device=device).sum().item() != 2)
    except RuntimeError:
        return True


def preset_checks(
    presets: Sequence[str],
    modes: Sequence[str],
    device: torch.device,
    steps: int,
    batch: int,
    work: Callable[..., dict[str, Any]] = trained,
) -> Iterator[Check]:
    """Train every preset in every mode, the reference first; yield what came of each."""
    lost = ""
    for preset in presets:
        reference = None
        for mode in modes:
            name = f"train: {preset}, {mode}"
            if lost or (why := absent(mode, device)):
                yield Check(name, NOT_RUN if lost else ABSENT, 0.0, lost or why)
                continue
            start = time.perf_counter()
            try:
                found = work(preset, mode, device, steps, batch)
                status, why = judged(mode, found, reference)
                reference = found["loss"] if mode == REFERENCE and status == PASSED else reference
                yield Check(name, status, time.perf_counter() - start, why, found)
            except Exception as error:  # whatever a device does: it is what is looked for
                why = error.what if isinstance(error, DdpmClipError) else repr(error)
                traceback.print_exc()
                yield Check(name, FAILED, time.perf_counter() - start, why[:500])
                if is_lost(device):
                    lost = f"the device was lost in {name}"


def about(device: torch.device) -> dict[str, Any]:
    """The device, in words."""
    facts: dict[str, Any] = {"type": device.type}
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        facts |= {"name": properties.name, "gigabytes": round(properties.total_memory / 2**30, 1)}
        facts |= {
            "capability": f"{properties.major}.{properties.minor}",
            "cuda": torch.version.cuda,
        }
    return facts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto", help="auto (a GPU), cuda, cuda:1, mps or cpu")
    parser.add_argument("--presets", nargs="+", default=preset_names())
    parser.add_argument("--modes", nargs="+", default=list(MODES), choices=list(MODES))
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--no-tests", action="store_true", help="leave out the device tests")
    parser.add_argument("--out", type=Path, default=RESULTS / "gpu_check.json")
    options = parsed(parser)
    try:
        device = chosen_device(options.device)
    except DdpmClipError as error:
        print(f"error: {error}\n  code: {error.code}", file=sys.stderr)
        return error.exit_code
    checks: list[Check] = []
    if options.no_tests:
        checks.append(Check("device tests", NOT_RUN, 0.0, "--no-tests"))
    else:
        checks += shown(device_tests(device))
    modes = sorted(options.modes, key=list(MODES).index)
    checks += shown(preset_checks(options.presets, modes, device, options.steps, options.batch))
    counts = {kind: sum(one.status == kind for one in checks) for kind in STATUSES}
    measured = {"device": about(device), "is_gpu": device.type != "cpu", "counts": counts}
    measured |= {"steps": options.steps, "batch": options.batch}
    write_results(options.out, measured | {"checks": [asdict(one) for one in checks]})
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()))
    return int(counts[FAILED] > 0)


STATUSES = (PASSED, FAILED, ABSENT, NOT_RUN)


def shown(checks: Iterator[Check] | list[Check]) -> list[Check]:
    """Print each check as it is done."""
    done = []
    for one in checks:
        done.append(one)
        print(f"{one.status:<8} {one.name} ({one.seconds:.1f} s) {one.why}".rstrip(), flush=True)
    return done


if __name__ == "__main__":
    sys.exit(main())

"""A short training as docs/tutorial.md describes it: its loss, its samples, and what it paints.

A folder of drawn flowers without captions, and 300 steps from the weights of the shipped model, as
`make demo` does. Minutes on two cores, so a finished run in build/ is used again.
"""

import json
import shutil
from functools import cache
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from ddpm_clip import TextToImage
from ddpm_clip.data.local.drawn_flowers import write_folder
from docs_pictures.paper import DPI, INK, WIDTH, WORK, as_picture, card, run_command, save, strip

COUNT, STEPS, WARMUP, HELDOUT_EVERY = 3000, 300, 30, 50
"""Pictures, steps, and steps of the warm-up and from one held-out loss to the next."""

RUN = WORK / "tutorial"
SIDE, CELL, TOP = 96, 98, 21
"""Pixels of a picture on a sheet of samples, from one to the next, and above the first."""

PROMPTS = (
    "a red rose",
    "an orange sunflower with a big brown center",
    "a round white daisy with a yellow center",
)


def tutorial_loss_curve(path: Path) -> Path:
    """Every batch, their running mean, and the held-out pictures."""
    lines = (_run() / "history.jsonl").read_text(encoding="utf-8").splitlines()
    history = [json.loads(line) for line in lines]
    steps, losses = zip(*((row["step"], row["loss"]) for row in history), strict=True)
    heldout = [(row["step"], row["heldout_loss"]) for row in history if row["heldout_loss"]]
    figure = Figure(figsize=(WIDTH / DPI, 3.1), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    axes.plot(steps, losses, color="0.8", linewidth=0.8, label="each batch")
    axes.plot(steps, _running_mean(losses), color="#0072B2", linewidth=1.8, label="running mean")
    axes.plot(
        *zip(*heldout, strict=True),
        "o-",
        color="#D55E00",
        markersize=4,
        label="held-out pictures, EMA weights",
    )
    axes.set_xlabel("training step", color=INK)
    axes.set_ylabel("loss", color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, color="0.93")
    axes.legend(frameon=False, ncols=3, fontsize=9)
    return save(
        card(
            "The loss of a short training",
            f"{STEPS} steps on {COUNT:,} drawn flowers, from the weights of “flowers”. The "
            "loss rises while the learning rate warms up, and falls while it decays.",
            as_picture(figure),
        ),
        path,
    )


def tutorial_samples(path: Path) -> Path:
    """The last sheet that training leaves, with its prompts on top."""
    own = _model().model.config.generation
    rows = zip(*_tiles(len(own.grid_guidance)), strict=True)
    names = [f"scale {scale:g}" for scale in own.grid_guidance]
    return save(
        card(
            "Samples of the run, at three guidance scales",
            f"From samples/step-{STEPS:06d}.png. The noise is the same in every sheet of a run, so "
            "that sheets can be compared.",
            strip([*rows], names, own.prompts, most=210),
        ),
        path,
        colours=256,
    )


def tutorial_generate(path: Path) -> Path:
    """The first eight seeds of three prompts, painted by the fresh model."""
    rows = [_model()(prompt, n=8, seed=0) for prompt in PROMPTS]
    title = "Painted by the fresh model"
    return save(
        card(title, "The first eight seeds of each prompt.", strip(rows, PROMPTS)), path, 256
    )


@cache
def _model() -> TextToImage:
    return TextToImage.from_pretrained(str(_run()))


@cache
def _run() -> Path:
    """The folder of a finished run."""
    if (RUN / "loss.png").is_file():
        print(f"using the run in {RUN} again; remove it to train anew")
        return RUN
    for folder in (RUN, WORK / "photos"):
        shutil.rmtree(folder, ignore_errors=True)
    write_folder(WORK / "photos", COUNT, size=32, seed=20)
    how = ("--preset", "flowers", "--init", "flowers", "--out", RUN, "--steps", STEPS)
    settings = {"warmup": WARMUP, "heldout_every": HELDOUT_EVERY}
    words = [
        word for key, value in settings.items() for word in ("--set", f"training.{key}={value}")
    ]
    run_command("train", WORK / "photos", *how, *words)
    return RUN


def _tiles(columns: int) -> list[list[Image.Image]]:
    """The pictures of the last sheet of samples, row by row, at their own size."""
    with Image.open(_run() / "samples" / f"step-{STEPS:06d}.png") as image:
        sheet = image.convert("RGB")
    left = sheet.width - columns * CELL
    return [
        [
            sheet.crop((x, y, x + SIDE, y + SIDE)).resize((32, 32), Image.Resampling.NEAREST)
            for x in range(left, sheet.width, CELL)
        ]
        for y in range(TOP, sheet.height, CELL)
    ]


def _running_mean(values: tuple[float, ...], most: int = 20) -> list[float]:
    """Of each value and those before it."""
    ends = range(1, len(values) + 1)
    return [sum(values[max(0, end - most) : end]) / min(end, most) for end in ends]

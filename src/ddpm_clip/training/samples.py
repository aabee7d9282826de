"""Pictures of a training: sample grids, forward process, generation, loss curve.

Everything is read from the run folder, never from the training loop, so the pictures show what is
saved.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import cast

import torch
from PIL import Image

from ddpm_clip.config.schema import Config
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.runs.run import Run
from ddpm_clip.training.curves import write_heldout_curves
from ddpm_clip.training.steps.prepared import Prepared
from ddpm_clip.training.steps.validation import by_noise
from ddpm_clip.types import Denoiser
from ddpm_clip.utils.plots.curves import loss_curve
from ddpm_clip.utils.tensors import to_float, to_picture
from ddpm_clip.utils.visualization import grid, save_gif, save_png, tensor_grid

DEFAULT_PROMPTS = ("a photo", "a drawing", "something red", "something blue")
FORWARD_STEPS = 10
WORDLESS = 32


def prompts_of(run: Run) -> list[str]:
    """Return the prompts of the grids: the config's, else the classes, else of the prompt bank."""
    classes = run.read_json("classes.json").get("classes", [])
    if run.config.generation.unconditional:
        return ["without words"]
    if run.config.embedder.name == "labels":  # class names are the only prompts it takes
        return list(classes[:8])
    if run.config.generation.prompts:
        return list(run.config.generation.prompts)
    bank = run.read_json("conditioner.json").get("prompts", [])
    return list(classes[:8]) or list(bank[:4]) or list(DEFAULT_PROMPTS)


def write_samples(run: Run, step: int) -> Path:
    """Write samples/step-….png: prompts by guidance scales, from fixed noise and EMA weights."""
    tti, folder = _opened(run), run.folder / "samples"
    folder.mkdir(exist_ok=True)
    own = run.config.generation
    if own.unconditional:
        sheet = _wordless(tti)
    else:
        settings = tti.settings(n=1, guidance=own.grid_guidance)
        painted = tti.paint_all(prompts_of(run), settings)
        k = len(settings.guidance)
        rows = [[one.image for one in painted[i : i + k]] for i in range(0, len(painted), k)]
        names = [f"s = {s:g}" for s in settings.guidance]
        sheet = grid(rows, row_names=prompts_of(run), column_names=names)
    path = folder / f"step-{step:06d}.png"
    return save_png(sheet, path)


def _wordless(tti: TextToImage) -> Image.Image:
    painted = tti.paint_all([], tti.settings(n=WORDLESS))
    pictures = [one.image for one in painted]
    return grid([pictures[i : i + 8] for i in range(0, len(pictures), 8)])


def write_outcome(run: Run, prepared: Prepared, *, animation: bool = True) -> list[Path]:
    """Write heldout.json, its curves, forward.png, loss.png; with `animation`, two GIFs as well.

    loss.png comes last, so a run that has one is finished.
    """
    tti = _opened(run)
    paths = [write_validation(run, prepared, tti)] if len(prepared.heldout) else []
    return [
        *paths,
        *write_forward(run, prepared, tti.model.ddpm, animation),
        *_generation(run, tti, animation),
        *write_heldout_curves(run),
        *([write_curve(run)] if run.history() else []),
    ]


def closing_evaluations(config: Config, prompts: int) -> int:
    """Return about how often a network is evaluated for one picture after the last step.

    Args:
        config: the config of the run.
        prompts: number of prompts of the grids.
    """
    own = config.generation
    grid = WORDLESS if own.unconditional else prompts * len(own.grid_guidance)
    grid = grid if config.training.sample_every else 0
    frames = prompts if config.training.animation else 0
    return 2 * own.steps * (grid + frames) + 2 * config.data.heldout


def write_curve(run: Run) -> Path:
    """Write loss.png from the history."""
    rows = [row for row in run.history() if row["loss"] is not None]  # without skipped steps
    measured = [row for row in rows if row["heldout_loss"] is not None]
    heldout = [row["step"] for row in measured], [row["heldout_loss"] for row in measured]
    steps, losses = [row["step"] for row in rows], [row["loss"] for row in rows]
    return loss_curve(steps, losses, run.folder / "loss.png", heldout=heldout)


def write_validation(run: Run, prepared: Prepared, tti: TextToImage) -> Path:
    """Write heldout.json: held-out loss by noise level, with the condition and without it."""
    network = cast(Denoiser, tti.model.network)
    bins = by_noise(network, tti.model.ddpm, prepared.heldout_set())
    run.write_json("heldout.json", {"bins": [asdict(one) for one in bins]})
    return run.folder / "heldout.json"


def write_forward(run: Run, prepared: Prepared, ddpm: DDPM, animation: bool = True) -> list[Path]:
    """Write the forward process of four training pictures as a grid, and as a GIF."""
    x_0 = to_float(torch.from_numpy(prepared.pixels[:4].copy()))
    eps = torch.randn(x_0.shape, generator=torch.Generator().manual_seed(0))
    timesteps = torch.linspace(0, ddpm.T - 1, FORWARD_STEPS)
    noised = [ddpm.q(x_0, t.expand(len(x_0)), eps)[0] for t in timesteps]
    strips = [[to_picture(x[i]) for x in noised] for i in range(len(x_0))]
    sheet = grid(strips, column_names=[f"t = {t:.0f}" for t in timesteps])
    save_png(sheet, run.folder / "forward.png")
    if not animation:
        return [run.folder / "forward.png"]
    frames = [tensor_grid(x, len(x)) for x in noised]
    return [run.folder / "forward.png", save_gif(frames, run.folder / "forward.gif", interval=150)]


def _opened(run: Run) -> TextToImage:
    """Open the run as a model, on the device that it is trained on."""
    return TextToImage.from_pretrained(str(run.folder), run.config.training.device)


def _generation(run: Run, tti: TextToImage, animation: bool) -> Sequence[Path]:
    """Write generation.gif: the predicted x_0 of the sample prompts, step by step."""
    if not animation:
        return []
    frames: list[Image.Image] = []
    n = 8 if run.config.generation.unconditional else 1
    for step in tti.walk(prompts_of(run), n=n):
        frames.append(tensor_grid(step.pred.x_0, len(step.x_t)))
    return [save_gif(frames, run.folder / "generation.gif")]

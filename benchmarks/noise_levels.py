"""The error of x_0 by noise level, for two distributions of the training noise levels.

`python benchmarks/noise_levels.py` (the emoji pack is located like the source `emoji`; takes eight
minutes on two cores). If every picture has its own embedding, a network at high noise can only
paint from the embedding. Two runs of the emoji recipe, identical except for the distribution of
their training noise levels, are evaluated on their training drawings. For comparison there are two
predictions without a network: the mean drawing, and the best linear map from conditions to pixels,
fitted to the same drawings. A run that is worse than that map has not learned to use its
conditions.
"""

import argparse
from pathlib import Path
from typing import Any

import torch
from emoji import MODEL
from labelled import real_pictures
from recipes import mini_clip, settled, trained
from reporting import RESULTS, ROOT, claim, parsed, print_claims, write_results
from rich.console import Console
from rich.table import Table
from torch import Tensor

from ddpm_clip import TextToImage
from ddpm_clip.utils.tensors import to_float

LEVELS = (0.2, 0.5, 1.0, 2.0, 5.0, 20.0, 80.0)
"""sigma/alpha."""

ARMS = {"low": (-0.8, 1.3), "high": (0.0, 1.6)}
"""p_mean and p_std of log(sigma/alpha)."""

HIGH = LEVELS[-1]


def main() -> None:
    options = _options()
    own = [f"embedder.model={options.work / 'emoji-clip'}"]
    mini_clip(MODEL, options.work / "emoji-clip", own)
    own += [f"training.steps={options.steps}", "training.sample_every=0"]
    found: dict[str, Any] = {}
    for name, (mean, std) in ARMS.items():
        levels = [f"diffusion.p_mean={mean}", f"diffusion.p_std={std}"]
        tti = trained(MODEL, options.work / f"emoji-{name}-noise", [*own, *levels])
        x = to_float(real_pictures(settled(MODEL).data, "train")[0])
        c = conditions(tti, x)
        found[name] = {
            "p_mean": mean,
            "p_std": std,
            "fingerprint": tti.model.fingerprint,
            **error_by_level(tti, x, c),
        }
    plain = {"mean_picture": mean_error(x), "linear_in_condition": linear_error(c, x)}
    show(found, plain)
    kept = claims(found)
    print_claims(kept)
    write_results(
        options.out,
        {
            "claims": kept,
            "n": len(x),
            "trained_steps": options.steps,
            "levels": LEVELS,
            "measured": "mean squared error of x_0, pixels in -1 to 1",
            **plain,
            "arms": found,
        },
    )


@torch.no_grad()
def conditions(tti: TextToImage, x: Tensor) -> Tensor:
    """The conditions (n, e + 1) from the pictures' own embeddings."""
    parts = [tti.model.embedder.embed_pixels(part).cpu() for part in x.split(128)]
    return tti.model.conditioner.images(torch.cat(parts))


@torch.no_grad()
def error_by_level(tti: TextToImage, x: Tensor, c: Tensor) -> dict[str, list[float]]:
    """The error at each of `LEVELS`, with and without the condition, from the same noise."""
    ddpm, found = tti.model.ddpm, dict[str, list[float]]()
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    for name, shown in (("with_condition", 1.0), ("without_condition", 0.0)):
        found[name] = []
        for level in LEVELS:
            timestep = ddpm.schedule.timestep_of(torch.tensor([level])).item()
            off = 0.0
            for part in torch.arange(len(x)).split(64):
                t, mask = torch.full((len(part),), timestep), torch.full((len(part), 1), shown)
                x_t, _ = ddpm.q(x[part], t, noise[part])
                alpha, sigma = ddpm.schedule.at(timestep)
                output = tti.model.network(x_t, t, c[part], mask).float()
                x_0 = ddpm.parameterization.read(output, x_t, alpha, sigma)[1]
                off += (x_0 - x[part]).square().sum().item()
            found[name].append(round(off / x.numel(), 5))
    return found


def mean_error(x: Tensor) -> float:
    """Error of predicting the mean picture every time."""
    return round((x - x.mean(0)).square().mean().item(), 5)


def linear_error(c: Tensor, x: Tensor) -> float:
    """Error of the least-squares map from conditions to pixels, fitted to the same pictures."""
    known = torch.cat([c[:, :-1], torch.ones(len(c), 1)], dim=1).double()
    wanted = x.flatten(1).double()
    fitted = known @ torch.linalg.lstsq(known, wanted).solution
    return round((fitted - wanted).square().mean().item(), 5)


def claims(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The target: at the highest noise, where only the condition helps, higher levels win."""
    at = LEVELS.index(HIGH)
    text = f"error at sigma/alpha {HIGH:g} after training at higher noise levels, relative to"
    text += " lower ones"
    ratio = found["high"]["with_condition"][at] / found["low"]["with_condition"][at]
    return [claim(text, ratio, 1.0, at_most=True, unit="x")]


def show(found: dict[str, Any], plain: dict[str, float]) -> None:
    """Print the table, one row per noise level."""
    table = Table(title="Mean squared error of x_0", title_justify="left")
    table.add_column("sigma/alpha", justify="right")
    for name, one in found.items():
        for kind in ("with", "without"):
            table.add_column(
                f"{name} ({one['p_mean']:g}, {one['p_std']:g}) {kind}", justify="right"
            )
    for i, level in enumerate(LEVELS):
        errors = [
            one[f"{kind}_condition"][i] for one in found.values() for kind in ("with", "without")
        ]
        table.add_row(f"{level:g}", *(f"{error:.4f}" for error in errors))
    Console(width=110).print(table)
    print(*(f"{name.replace('_', ' ')}: {error:.4f}" for name, error in plain.items()), sep="\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=400, help="steps of each training")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "runs", help="folder for the trained networks"
    )
    parser.add_argument("--out", type=Path, default=RESULTS / "noise_levels.json")
    return parsed(parser)


if __name__ == "__main__":
    main()

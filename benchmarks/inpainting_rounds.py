"""How often a painted pixel agrees with a kept one, by the rounds of inpainting.

The figures of docs/editing.md. The denoiser is exact: of two pixels that always have the same
sign, one is kept and the other painted, so the right answer is known.

    python benchmarks/inpainting_rounds.py
"""

import argparse
import math
from pathlib import Path

import torch
from reporting import RESULTS, claim, counted, parsed, print_claims, write_results
from torch import Tensor

from ddpm_clip.diffusion.gradient_guidance import GradientGuidance, resampled
from ddpm_clip.diffusion.known_pixels import with_known_pixels
from ddpm_clip.diffusion.samplers import SAMPLERS
from ddpm_clip.diffusion.schedules import SCHEDULES, NoiseSchedule
from ddpm_clip.types import Predict, Prediction

VALUE, SPREAD, STEPS = 0.7, 0.1, 30
NAMES, ROUNDS = ("dpmpp_2m", "dpmpp_2m_sde"), (1, 2, 5)


def exact(schedule: NoiseSchedule) -> Predict:
    """E[x_0 | x_t] of two pixels that are both near 0.7 or both near -0.7, half the time each."""

    def predict(x: Tensor, t: float) -> Prediction:
        alpha, sigma = schedule.at(t)
        variance = (alpha * SPREAD) ** 2 + sigma**2
        sign = torch.tanh(alpha * VALUE * x.sum((1, 2, 3), keepdim=True) / variance)
        near = alpha * SPREAD**2 * x + sign * sigma**2 * VALUE
        x_0 = near / variance
        return Prediction((x - alpha * x_0) / sigma, x_0)

    return predict


def agreeing(name: str, rounds: int, n: int, seed: int) -> list[bool]:
    """Whether each painted pixel has the sign of the kept one."""
    schedule = SCHEDULES["cosine"](1000)
    generator = torch.Generator().manual_seed(seed)

    def noise(i: int) -> Tensor:
        return torch.randn(n, 1, 1, 2, generator=generator, dtype=torch.float64)

    known = torch.tensor([[[VALUE, 0.0]]], dtype=torch.float64)  # (1, 1, 2)
    paint = torch.tensor([[[False, True]]])
    predict = with_known_pixels(known, paint, schedule)(exact(schedule))
    walker = resampled(SAMPLERS[name], GradientGuidance(1.0, (0.0, math.inf), rounds - 1))
    for step in walker(predict, schedule, schedule.walk(STEPS), noise(-1), noise):
        end = step.x_prev
    return [bool(one) for one in end[:, 0, 0, 1] > 0]


def main() -> None:
    options = _options()
    found = {
        name: {
            str(rounds): counted(agreeing(name, rounds, options.n, options.seed))
            for rounds in ROUNDS
        }
        for name in NAMES
    }
    least = min(row["5"]["share"] for row in found.values())
    claims = [claim("painted pixels that agree after five rounds", least, 0.99)]
    for name, row in found.items():
        print(name, {rounds: f"{one['share']:.1%}" for rounds, one in row.items()})
    print_claims(claims)
    write_results(options.out, {"claims": claims, "steps": STEPS, "samplers": found})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=2000, help="pictures of two pixels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS / "inpainting_rounds.json")
    return parsed(parser)


if __name__ == "__main__":
    main()

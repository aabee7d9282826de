"""CLIP-gradient guidance of unconditional sampling: is the requested digit painted?

`python benchmarks/clip_guidance.py`. The network gets no condition; words act only through the
gradient of a CLIP at the predicted x_0. A judge with its own architecture, seed and training reads
the pictures and rejects what is not a digit. For comparison: no guidance, other strengths,
ablations of the method, and an untrained CLIP. Under the untrained CLIP the judge must stay at
chance although the CLIP's own loss falls: a guide's loss says nothing about the pictures.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import torch
from reporting import (
    IMAGES,
    RESULTS,
    claim,
    finished,
    painter,
    parsed,
    print_claims,
    print_counts,
    save_first_seeds,
    write_results,
)
from torch import Tensor

from ddpm_clip import TextToImage
from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.data.captions.digit_words import DIGITS
from ddpm_clip.data.pictures.pixels import load_pixels
from ddpm_clip.data.sources import open_source
from ddpm_clip.diffusion.views import Views
from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.evaluation.prompts.cases import WORD, digit_cases
from ddpm_clip.evaluation.prompts.success import Count, count_success, paint_cases
from ddpm_clip.generation.clip_guide import ClipGuide
from ddpm_clip.utils.tensors import to_float

CASES = digit_cases(phrasings=[WORD])
GUIDED = "guided (strength 1)"
UNTRAINED = "guided by an untrained CLIP"
FRESH = 1_000_000
"""First seed. Strength, interval and time travel were chosen with this judge on seeds below 40."""

VIEWS = 100_000_000
"""First seed of the random views in which finished pictures are scored; no picture uses it."""

STRENGTHS = (0.25, 0.5, 2.0, 4.0)
VARIANTS: dict[str, dict[str, Any]] = {
    "without travel": {"clip_travel": 0},
    "one view": {"clip_views": 1},
    "without travel, one view": {"clip_travel": 0, "clip_views": 1},
    "where noise is low as well, sigma > 0.1": {"clip_interval": (0.1, 20.0)},
    "words uncentred (bridge identity)": {"bridge": "identity"},
}


def main() -> None:
    options = _options()
    tti, judge = TextToImage.from_pretrained(options.model), JudgeNet.load(options.judge)
    tti.add_guide("untrained", untrained(tti))
    if options.guide:
        tti.add_guide("other", with_statistics(MiniClip.load(options.guide), tti))
    ways = {"unguided": ({"clip_guidance": 0.0}, options.n), GUIDED: ({}, options.n)}
    ways[UNTRAINED] = ({"clip_guide": "untrained"}, options.n)
    few = {f"strength {s:g}": {"clip_guidance": s} for s in STRENGTHS} | VARIANTS
    few |= {f"guided by {options.guide.name}": {"clip_guide": "other"}} if options.guide else {}
    ways |= {name: (way, options.n_few) for name, way in few.items()}
    rows = {}
    for name, (way, n) in ways.items():
        rows[name] = measured(tti, judge, name, n, options, way)
        print(name, rows[name]["total"], flush=True)
    print_counts("Digits by CLIP gradient", {k: v.pop("count") for k, v in rows.items()})
    kept = claims(rows)
    print_claims(kept)
    write_results(
        options.out,
        {"claims": kept, **painter(tti, judge, options.steps, options.seed), "ways": rows},
    )
    if options.image:
        save_first_seeds(
            tti,
            DIGITS,
            10,
            options.image,
            steps=options.steps,
            seed=options.seed,
            unconditional=True,
            clip_guidance=1.0,
        )


def measured(
    tti: TextToImage,
    judge: JudgeNet,
    name: str,
    n: int,
    options: argparse.Namespace,
    way: dict[str, Any],
) -> dict[str, Any]:
    """Paint and judge one variant; also computes the guide's own loss on the pictures."""
    how = {"unconditional": True, "clip_guidance": 1.0, "steps": options.steps} | way
    began = time.perf_counter()
    x = finished(paint_cases(tti, CASES, n, options.seed, **how), name)
    seconds = (time.perf_counter() - began) / len(x)
    table = count_success(judge, x, CASES, options.seed)
    return {
        "count": table.total,
        "total": table.total.as_dict(),
        "values": {key: count.as_dict() for key, count in table.values.items()},
        "guides_loss": round(loss_of(tti.guide(how.get("clip_guide")), x, n), 4),
        "other_losses": {"untrained": round(loss_of(tti.guide("untrained"), x, n), 4)},
        "seconds_a_picture": round(seconds, 3),
        "way": {k: str(v) for k, v in way.items()},
    }


@torch.no_grad()
def loss_of(guide: ClipGuide, x: Tensor, n: int) -> float:
    """Mean loss of finished pictures (10 n, c, h, w), in views that sampling never used."""
    texts, losses = [digit for digit in DIGITS for _ in range(n)], []
    for start in range(0, len(x), 64):
        part = slice(start, start + 64)
        seeds = range(VIEWS + start, VIEWS + start + len(x[part]))
        losses.append(guide.score(texts[part], seeds, Views(8))(x[part]))
    return torch.cat(losses).mean().item()


def untrained(tti: TextToImage) -> ClipGuide:
    """The control: a CLIP with random weights, and its statistics."""
    channels, size, _ = tti.model.image_shape
    torch.manual_seed(1)
    return with_statistics(MiniClip(channels, size).eval(), tti)


@torch.no_grad()
def with_statistics(clip: MiniClip, tti: TextToImage) -> ClipGuide:
    """A mini-CLIP as a guide, with its own means of real digits and their names."""
    channels, size, _ = tti.model.image_shape
    pixels = load_pixels(open_source("mnist", split="test"), size=size, channels=channels)
    x = to_float(torch.from_numpy(pixels.array[:2000]))
    images = torch.cat([clip.embed_pixels(part) for part in x.split(256)])
    return ClipGuide(clip, Conditioner.fit(images, clip.embed_texts(list(DIGITS)), bank_size=0))


def claims(rows: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The targets that a release must meet."""
    total, control = rows[GUIDED]["total"], Count(**_counts(rows[UNTRAINED]["total"]))
    fell = rows["unguided"]["other_losses"]["untrained"] - rows[UNTRAINED]["guides_loss"]
    return [
        claim(
            "the judge reads the digit requested through the gradient alone", total["share"], 0.85
        ),
        claim(
            "guided by an untrained CLIP: pictures read as the requested digit (chance: 10 %)",
            control.read / control.n,
            0.15,
            at_most=True,
        ),
        claim(
            "guided by an untrained CLIP: decrease of that CLIP's own loss",
            fell,
            0.0,
            unit="rad²/2",
        ),
    ]


def _counts(row: dict[str, Any]) -> dict[str, int]:
    return {key: row[key] for key in ("n", "read", "success", "rejected")}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model", default="digits", help="a shipped model, a run or a model folder"
    )
    parser.add_argument("--judge", type=Path, default=shipped_judge_folder("digits"))
    parser.add_argument(
        "--guide", type=Path, help="another mini-CLIP to guide with, such as a noise-aware one"
    )
    parser.add_argument("--n", type=int, default=50, help="pictures per digit, for the targets")
    few = "pictures per digit for the other variants; if equal to --n, they share its noise"
    parser.add_argument("--n-few", type=int, default=10, help=few)
    parser.add_argument("--steps", type=int, default=20, help="sampler steps")
    parser.add_argument("--seed", type=int, default=FRESH, help="seed of the first picture")
    parser.add_argument("--out", type=Path, default=RESULTS / "clip_guidance.json")
    parser.add_argument("--image", type=Path, default=IMAGES / "clip_guidance.png")
    parser.add_argument("--no-image", action="store_const", const=None, dest="image")
    return parsed(parser)


if __name__ == "__main__":
    main()

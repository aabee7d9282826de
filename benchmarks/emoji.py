"""Emoji from their names: does a CLIP trained on another style find each picture's own name?

`python benchmarks/emoji.py` (the pack is located like the source `emoji`). The model is trained on
noto drawings. A second mini-CLIP with another seed and width is trained on emojitwo drawings; it
chooses which of a hundred names fits a picture best (R-precision). Real noto drawings of the same
names are the reference: if the scorer finds fewer than 30 % of those, it cannot judge, and the
report says so instead. One picture is painted for each of a thousand names, in pools of a hundred.
"""

import argparse
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from labelled import Pictures, measure_parts, real_pictures
from parts import Parts
from recipes import mini_clip, settled, trained
from reporting import (
    IMAGES,
    RESULTS,
    ROOT,
    counted,
    finished,
    parsed,
    print_claims,
    save_first_seeds,
)
from reporting import claim as claimed
from torch import Tensor

from ddpm_clip import TextToImage
from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.evaluation.metrics.retrieval import embed_pictures, retrieval
from ddpm_clip.evaluation.prompts.ceiling import from_pictures
from ddpm_clip.evaluation.prompts.success import PromptCase, paint_cases

MODEL, SCORER = ROOT / "config" / "emoji.yaml", ROOT / "config" / "emoji_scorer.yaml"
POOL = 100
"""Number of names among which a picture's own must be found."""

MEASURABLE, NEEDED = 0.3, 0.6
"""R-precision of real drawings needed for a judgement; share of it that ours must reach."""

PARTS = ("real", "painted", "ceiling", "emojitwo")


@dataclass(frozen=True, slots=True, eq=False)
class Scorer:
    """A CLIP used only for scoring, and the mean of its embeddings of real drawings."""

    clip: MiniClip
    middle: Tensor  # (e,)

    def found(self, x: Tensor, names: Sequence[str], n: int = 1) -> dict[str, Any]:
        """R-precision and margin of pictures x, `n` per name, among the names of each pool."""
        images, hits, margins = embed_pictures(self.clip, x), list[bool](), list[Tensor]()
        for start in range(0, len(names), POOL):
            pool = names[start : start + POOL]
            own = images[start * n : (start + len(pool)) * n]
            asked = [i // n for i in range(len(own))]
            ranked = retrieval(own, self.clip.embed_texts(pool), asked, image_mean=self.middle)
            hits += ranked.found.tolist()
            margins.append(ranked.margins)
        return counted(hits) | {
            "margin": round(torch.cat(margins).mean().item(), 4),
            "chance": 1 / POOL,
        }


def main() -> None:
    options = _options()
    work, changes = options.work, options.set
    model = f"embedder.model={work / 'emoji-clip'}"
    figures = {
        "conditions": mini_clip(MODEL, work / "emoji-clip", [*changes, model]),
        "scores": mini_clip(SCORER, work / "emoji-scorer", changes),
    }
    tti = trained(MODEL, work / "emoji", [*changes, model])
    noto = real_pictures(settled(MODEL, changes).data, "train")
    other = real_pictures(settled(SCORER, changes).data, "train")
    clip = MiniClip.load(work / "emoji-scorer")
    scorer = Scorer(clip, embed_pictures(clip, noto[0]).mean(0))
    names = pools(shared_names(noto, other), options.pools, options.seed)
    common = {
        "model": tti.model.name,
        "model_fingerprint": tti.model.fingerprint,
        "scorer_fingerprint": clip.fingerprint,
        "mini_clips": figures,
        "steps": options.steps,
        "bridge": tti.model.config.conditioning.bridge,
        "names": len(names),
        "pool": POOL,
        "seeds": f"one a picture, {options.seed} and up",
    }
    parts = Parts(options.out, common, PARTS, claims, verdict)
    asks = {"n_a_name": options.n}
    measure_parts(
        parts,
        {
            "real": (lambda: scorer.found(drawings(noto, names), names), {}),
            "emojitwo": (lambda: scorer.found(drawings(other, names), names), {}),
            "painted": (lambda: scorer.found(painted(tti, names, options), names, options.n), asks),
            "ceiling": (
                lambda: scorer.found(painted(tti, names, options, noto), names, options.n),
                asks,
            ),
        },
        options.part,
    )
    for name, one in parts.found.items():
        print(f"{name:9} R-precision {one['share']:.1%}, n = {one['n']}, margin {one['margin']}")
    print_claims(parts.write())
    print(parts.more(parts.found).get("verdict", ""))
    if options.image:
        save_first_seeds(tti, names[:12], 8, options.image, steps=options.steps, seed=options.seed)


def shared_names(one: Pictures, other: Pictures) -> list[str]:
    """The names with exactly one drawing in each style, in alphabetical order."""
    once = []
    for _, facts in (one, other):
        names = [fact["name"] for fact in facts]
        once.append({name for name in names if names.count(name) == 1})
    return sorted(once[0] & once[1])


def pools(names: Sequence[str], n: int, seed: int) -> list[str]:
    """Draw n pools of a hundred names at random, no name twice.

    >>> pools([str(i) for i in range(150)], 2, 0)
    Traceback (most recent call last):
    ValueError: 150 names are too few for 2 pools of 100
    """
    if len(names) < n * POOL:
        raise ValueError(f"{len(names)} names are too few for {n} pools of {POOL}")
    return random.Random(f"pools {seed}").sample(list(names), n * POOL)


def drawings(pictures: Pictures, names: Sequence[str]) -> Tensor:
    """The real drawing of each name, as uint8."""
    row = {fact["name"]: i for i, fact in enumerate(pictures[1])}
    return pictures[0][[row[name] for name in names]]


def painted(
    tti: TextToImage,
    names: Sequence[str],
    options: argparse.Namespace,
    real: Pictures | None = None,
) -> Tensor:
    """Paint `options.n` pictures per name, from the word or from its drawing's embedding."""
    cases = [PromptCase(name, {"name": name}) for name in names]
    conditions: Callable[..., Tensor] | None = None
    if real is not None:
        conditions = from_pictures(tti, *real, cases)
    work = paint_cases(
        tti, cases, options.n, options.seed, conditions=conditions, steps=options.steps
    )
    return finished(work, "words" if real is None else "image embeddings")


def claims(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The targets that a release must meet, if they can be measured."""
    if not {"real", "painted"} <= found.keys() or found["real"]["share"] < MEASURABLE:
        return []
    real, ours = found["real"]["share"], found["painted"]["share"]
    text = f"the picture's own name is found among {POOL}; for real noto drawings: {real:.1%}"
    return [claimed(text, ours, round(NEEDED * real, 4))]


def verdict(found: Mapping[str, Any]) -> dict[str, Any]:
    """Whether the scorer recognises real drawings well enough to judge painted ones."""
    if "real" not in found:
        return {}
    share = found["real"]["share"]
    if share >= MEASURABLE:
        return {"verdict": "measurable"}
    why = f"the scorer finds the names of {share:.1%} of real noto drawings"
    return {"verdict": f"not measurable: {why}, but judging others takes {MEASURABLE:.0%}"}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE, for both recipes")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "runs", help="folder for the trained networks"
    )
    parser.add_argument(
        "--part", nargs="+", choices=PARTS, help="only these parts, even if finished"
    )
    parser.add_argument(
        "--again",
        action="store_const",
        const=PARTS,
        dest="part",
        help="measure finished parts again",
    )
    parser.add_argument("--pools", type=int, default=10, help=f"pools of {POOL} names")
    parser.add_argument("--n", type=int, default=1, help="pictures per name")
    parser.add_argument("--steps", type=int, default=20, help="sampler steps")
    parser.add_argument("--seed", type=int, default=0, help="seed of the pictures and the pools")
    parser.add_argument("--out", type=Path, default=RESULTS / "emoji.json")
    parser.add_argument("--image", type=Path, default=IMAGES / "emoji.png")
    parser.add_argument("--no-image", action="store_const", const=None, dest="image")
    return parsed(parser)


if __name__ == "__main__":
    main()

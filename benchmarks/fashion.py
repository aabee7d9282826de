"""Clothes by class and from words: is the requested kind of garment painted?

`python benchmarks/fashion.py` (Fashion-MNIST is located like the source `fashion-mnist`). Trains
two models with the same network and training from their recipes: one is conditioned on the class,
the other on the image embeddings of a mini-CLIP, and is prompted with words. A judge with its own
architecture and seed, trained on the half of the pictures that the mini-CLIP never saw, reads the
pictures of both. It also reads the real test pictures as a reference: shirts are hard to
distinguish from T-shirts, pullovers and coats.
"""

import argparse
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from labelled import (
    asked,
    beside_real_part,
    bridges_part,
    measure_parts,
    real_part,
    real_pictures,
    words_part,
)
from parts import Parts
from recipes import judge as judge_of
from recipes import mini_clip, settled, trained
from reporting import IMAGES, RESULTS, ROOT, claim, painter, parsed, print_claims, save_first_seeds
from torch import Tensor

from ddpm_clip.data.sources import CLOTHES

NAMES = {name: name for name in CLOTHES}
PLAIN = ("{x}",)
PHRASINGS = ("{x}", "a photo of a {x}")
NEEDED = 0.9
"""Required success, relative to the judge's accuracy on real test pictures."""

JUDGE = {"seed": 2077, "batch_size": 128, "half": 2}
WORDS, CLASSES = ROOT / "config" / "fashion.yaml", ROOT / "config" / "fashion_classes.yaml"
PARTS = ("real", "classes", "words", "bridges_and_ceiling", "beside_real")


def main() -> None:
    options = _options()
    work, changes, seed = options.work, options.set, options.seed
    model = f"embedder.model={work / 'fashion-clip'}"
    clip = mini_clip(WORDS, work / "fashion-clip", [*changes, model])
    data = settled(WORDS, changes).data
    judge = judge_of(data, work / "fashion-judge", steps=options.judge_steps, **JUDGE)
    by_class = trained(CLASSES, work / "fashion_classes", changes)
    tti = trained(WORDS, work / "fashion", [*changes, model])
    real, how = real_pictures(data), {"steps": options.steps}
    common = painter(tti, judge, options.steps, seed) | {
        "mini_clip": clip,
        "classes_fingerprint": by_class.model.fingerprint,
    }
    parts = Parts(options.out, common, PARTS, claims)
    plain, named = asked(NAMES, PLAIN), asked(NAMES, PHRASINGS)
    n, few = options.n, options.n_few

    @cache
    def words() -> tuple[dict[str, Any], Tensor]:
        return words_part(tti, judge, named, n, seed=seed, title="From words", **how)

    measure_parts(
        parts,
        {
            "real": (lambda: real_part(judge, real), {}),
            "classes": (
                lambda: words_part(
                    by_class, judge, plain, 2 * n, seed=seed, title="By class", **how
                )[0],
                {"n_a_prompt": 2 * n},
            ),
            "words": (lambda: words()[0], {"n_a_prompt": n}),
            "bridges_and_ceiling": (
                lambda: bridges_part(tti, judge, named, few, seed, real, **how),
                {"n_a_prompt": few},
            ),
            "beside_real": (lambda: beside_real_part(judge, words()[1], real), {"n_a_prompt": n}),
        },
        options.part,
    )
    print_claims(parts.write())
    if options.image:
        save_first_seeds(tti, list(NAMES), 10, options.image, seed=seed, **how)


def claims(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The targets that a release must meet, for the finished parts."""
    if "real" not in found:
        return []
    real = found["real"]["total"]
    accuracy = real["read"] / real["n"]
    kept = {
        "classes": "the judge reads the requested class",
        "words": "the same, requested in words",
    }
    return [
        claim(
            f"{text}; real test pictures: {accuracy:.1%}",
            found[part]["total"]["share"],
            round(NEEDED * accuracy, 4),
        )
        for part, text in kept.items()
        if part in found
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE, for both recipes")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "runs", help="folder for the trained networks"
    )
    parser.add_argument("--judge-steps", type=int, default=600, help="training steps of the judge")
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
    parser.add_argument("--n", type=int, default=50, help="pictures per prompt")
    parser.add_argument("--n-few", type=int, default=5, help="pictures per prompt and bridge")
    parser.add_argument("--steps", type=int, default=20, help="sampler steps")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first picture")
    parser.add_argument("--out", type=Path, default=RESULTS / "fashion.json")
    parser.add_argument("--image", type=Path, default=IMAGES / "fashion.png")
    parser.add_argument("--no-image", action="store_const", const=None, dest="image")
    return parsed(parser)


if __name__ == "__main__":
    main()

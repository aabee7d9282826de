"""Real photographs from words: do the five kinds of flowers match the prompt?

`python benchmarks/photos.py` (TF flowers are located like the source `tf-flowers`, through
DDPM_CLIP_DATA). Everything is trained from the recipe: a mini-CLIP on the names of one half of the
photos, a judge with its own architecture and seed on the other half, and a denoiser on all photos
without names. The labels are noisy and the pictures small, so the judge misreads some real test
photos; the target is a share of its accuracy on those.
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
    copies_part,
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

from ddpm_clip.evaluation.prompts.success import PromptCase

NAMES = {
    "daisy": "daisy",
    "dandelion": "dandelion",
    "roses": "roses",
    "sunflowers": "sunflowers",
    "tulips": "tulips",
}
SINGULAR = {
    "daisy": "daisy",
    "dandelion": "dandelion",
    "roses": "rose",
    "sunflowers": "sunflower",
    "tulips": "tulip",
}
"""Label that the judge reads -> singular form for prompts."""

PHRASINGS = ("{x}", "a photo of a {x}")
UNSEEN = ("one lovely {x} in the garden", "could you paint me a {x}?", "a {x}, close up")
"""Phrasings absent from the caption templates."""

NEEDED = 0.8
"""Required success, relative to the judge's accuracy on real test photos."""

JUDGE = {"seed": 2077, "batch_size": 128, "half": 2}
PARTS = ("real", "words", "unseen_phrasings", "bridges_and_ceiling", "beside_real", "copies")


def main() -> None:
    options = _options()
    name, changes = options.config.stem, options.set
    model = f"embedder.model={options.work / f'{name}-clip'}"
    clip = mini_clip(options.config, options.work / f"{name}-clip", [*changes, model])
    data = settled(options.config, changes).data
    judge = judge_of(data, options.work / f"{name}-judge", steps=options.judge_steps, **JUDGE)
    tti = trained(options.config, options.work / name, [*changes, model])
    real, how = real_pictures(data), {"steps": options.steps}
    common = painter(tti, judge, options.steps, options.seed) | {"mini_clip": clip}
    parts = Parts(options.out, common, PARTS, claims)
    named, new = asked(NAMES, PHRASINGS), asked(SINGULAR, UNSEEN)

    def painted(title: str, cases: list[PromptCase], n: int) -> tuple[dict[str, Any], Tensor]:
        return words_part(tti, judge, cases, n, seed=options.seed, title=title, **how)

    @cache
    def words() -> tuple[dict[str, Any], Tensor]:
        return painted("Photos from words", named, options.n)

    def copies() -> dict[str, Any]:
        train, _ = real_pictures(data, "train")
        return copies_part(words()[1], train, real[0], bool(data.flip))

    many, few = {"n_a_prompt": options.n}, {"n_a_prompt": options.n_few}
    measure_parts(
        parts,
        {
            "real": (lambda: real_part(judge, real), {}),
            "words": (lambda: words()[0], many),
            "unseen_phrasings": (lambda: painted("Unseen phrasings", new, options.n_few)[0], few),
            "bridges_and_ceiling": (
                lambda: bridges_part(tti, judge, named, options.n_few, options.seed, real, **how),
                few,
            ),
            "beside_real": (lambda: beside_real_part(judge, words()[1], real), many),
            "copies": (copies, many),
        },
        options.part,
    )
    print_claims(parts.write())
    if options.image:
        save_first_seeds(tti, list(NAMES), 12, options.image, seed=options.seed, **how)


def claims(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The targets that a release must meet."""
    if not {"real", "words"} <= found.keys():
        return []
    real, words = found["real"]["total"], found["words"]["total"]
    accuracy = real["read"] / real["n"]
    text = f"the judge reads the requested flower; real test photos: {accuracy:.1%}"
    return [claim(text, words["share"], round(NEEDED * accuracy, 4))]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--config",
        type=Path,
        default=ROOT / "config" / "photos.yaml",
        help="the recipe; there is also photos_64.yaml",
    )
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE, for the recipe")
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
    parser.add_argument("--n", type=int, default=100, help="pictures per prompt")
    parser.add_argument(
        "--n-few", type=int, default=20, help="pictures per prompt in the other parts"
    )
    parser.add_argument("--steps", type=int, default=20, help="sampler steps")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first picture")
    parser.add_argument("--out", type=Path, help="default: results/NAME.json")
    parser.add_argument("--image", type=Path, help="default: docs/images/NAME.png")
    parser.add_argument("--no-image", action="store_true")
    options = parsed(parser)
    options.out = options.out or RESULTS / f"{options.config.stem}.json"
    options.image = options.image or IMAGES / f"{options.config.stem}.png"
    options.image = None if options.no_image else options.image
    return options


if __name__ == "__main__":
    main()

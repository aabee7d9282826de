"""Digits from words: does the shipped `digits` paint the digit that a prompt asks for?

`python benchmarks/digits_from_words.py` (MNIST's test pictures, for the ceiling, are looked for
as `mnist` is anywhere else). The model learned from image embeddings only; a judge of another
architecture, seed and training reads what it painted from words. Four measurements with the same
judge: prompts as people ask, phrasings that no caption template has, the bridges beside each other,
and the ceiling, where the condition is the embedding of a real picture of the asked digit.
"""

import argparse
from pathlib import Path
from typing import Any

import torch
from reporting import (
    IMAGES,
    RESULTS,
    claim,
    finished,
    painter,
    print_claims,
    print_counts,
    save_first_seeds,
    write_results,
)
from torch import Tensor

from ddpm_clip import TextToImage
from ddpm_clip.data.captions import facts_of
from ddpm_clip.data.digit_words import DIGITS
from ddpm_clip.data.pixels import load_pixels
from ddpm_clip.data.sources import open_source
from ddpm_clip.evaluation.bridges import compare_bridges
from ddpm_clip.evaluation.judge import JudgeNet, shipped_judge_folder
from ddpm_clip.evaluation.success import PromptCase, SuccessTable, prompt_success

PHRASINGS = ("{word}", "{numeral}", "the digit {word}", "a handwritten {word}")
UNSEEN = (
    "could you paint a {word} please", "I want to see the number {numeral} today",
    "{numeral}, as a child would write it", "my favourite digit is {word}",
    "chalk on a blackboard: {numeral}", "a wobbly {word} drawn with a brush",
    "what does {numeral} look like?", "let there be {word}",
)  # fmt: skip
"""In no template of the captions, but with the word or the numeral in them."""


def cases(phrasings: tuple[str, ...]) -> list[PromptCase]:
    """Every digit in every phrasing."""
    return [
        PromptCase(phrasing.format(word=digit, numeral=numeral), {"digit": digit})
        for numeral, digit in enumerate(DIGITS)
        for phrasing in phrasings
    ]


def main() -> None:
    options = _options()
    tti, judge = TextToImage.from_pretrained(options.model), JudgeNet.load(options.judge)
    how: dict[str, Any] = {"seed": options.seed, "steps": options.steps}
    asked, unseen = cases(PHRASINGS), cases(UNSEEN)
    table = finished(prompt_success(tti, judge, asked, options.n, **how), "words")
    new = finished(prompt_success(tti, judge, unseen, options.n_unseen, **how), "unseen phrasings")
    pixels, facts = real_pictures(tti.model.config.data.image_size)
    work = compare_bridges(tti, judge, asked, options.n_compared, pixels=pixels, facts=facts, **how)
    bridges = finished(work, "bridges")
    show(table, new, bridges)
    kept = claims(table, new)
    print_claims(kept)
    write_results(options.out, {
        "claims": kept,
        **painter(tti, judge, options.steps, options.seed),
        "words": table.as_dict(prompts=True), "unseen_phrasings": new.as_dict(prompts=True),
        "bridges_and_ceiling": {name: one.as_dict() for name, one in bridges.items()},
    })  # fmt: skip
    if options.image:
        save_first_seeds(tti, DIGITS, 10, options.image, **how)


def real_pictures(size: int) -> tuple[Tensor, list[dict[str, str]]]:
    """MNIST's test pictures (n, 1, size, size) uint8 and their digits, for the ceiling."""
    source = open_source("mnist", split="test")
    pixels = load_pixels(source, size=size, channels=1)
    return torch.from_numpy(pixels.array), [facts_of(source, i) for i in pixels.indices]


def show(table: SuccessTable, new: SuccessTable, bridges: dict[str, SuccessTable]) -> None:
    """Print all four measurements."""
    print_counts("Digits from words", {"all": table.total} | table.values)
    worst = dict(sorted(table.prompts.items(), key=lambda item: item[1].share)[:5])
    print_counts("The five prompts that fail most", worst)
    print_counts("Unseen phrasings", {"all": new.total} | new.values)
    print_counts("Bridges beside each other", {name: one.total for name, one in bridges.items()})


def claims(table: SuccessTable, new: SuccessTable) -> list[dict[str, Any]]:
    """What a release must keep."""
    name, worst = table.worst_value
    return [
        claim("the asked digit is painted and read", table.total.share, 0.98),
        claim(f"each digit (least: {name})", worst.share, 0.95),
        claim("phrasings that no caption template has", new.total.share, 0.97),
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="digits", help="a shipped name, run or folder")
    parser.add_argument("--judge", type=Path, default=shipped_judge_folder("digits"))
    parser.add_argument("--n", type=int, default=50, help="pictures a prompt")
    parser.add_argument("--n-unseen", type=int, default=8, help="pictures an unseen phrasing")
    parser.add_argument("--n-compared", type=int, default=12, help="pictures a prompt and bridge")
    parser.add_argument("--steps", type=int, default=20, help="of the sampler")
    parser.add_argument("--seed", type=int, default=0, help="of the first picture")
    parser.add_argument("--out", type=Path, default=RESULTS / "digits_from_words.json")
    parser.add_argument("--image", type=Path, default=IMAGES / "digits_from_words.png")
    parser.add_argument("--no-image", action="store_const", const=None, dest="image")
    return parser.parse_args()


if __name__ == "__main__":
    main()

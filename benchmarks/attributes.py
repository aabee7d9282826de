"""Attributes: is "a thick seven" thick for a seven, and still a seven?

`python benchmarks/attributes.py`. Prompts name one or two attributes. Each attribute is measured in
the pixels, relative to the median of real pictures of that digit (the training pictures of MNIST,
located like the source `mnist`), and a judge reads the digit.
"""

import argparse
import itertools
import random
from pathlib import Path
from typing import Any

import torch
from digit_attributes import DigitMeter
from reporting import (
    IMAGES,
    RESULTS,
    claim,
    counted,
    finished,
    painter,
    parsed,
    print_claims,
    write_results,
)

from ddpm_clip import TextToImage
from ddpm_clip.data.captions.digit_words import DIGITS
from ddpm_clip.data.pictures.pixels import load_pixels
from ddpm_clip.data.sources import open_source
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.evaluation.prompts.success import PromptCase, paint_cases
from ddpm_clip.utils.visualization import tensor_grid

ASKED = {
    ("stroke", "thick"): ("a thick {x}", "a bold {x}", "a {x} with thick strokes"),
    ("stroke", "thin"): ("a thin {x}", "a fine {x}", "a {x} with thin strokes"),
    ("slant", "left"): ("a {x} slanted to the left", "a {x} leaning left", "a left-leaning {x}"),
    ("slant", "right"): ("a {x} slanted to the right", "a {x} leaning right", "an italic {x}"),
    ("slant", "upright"): ("an upright {x}", "a straight {x}", "a {x} standing upright"),
    ("size", "big"): ("a big {x}", "a large {x}", "a huge {x}"),
    ("size", "small"): ("a small {x}", "a tiny {x}", "a little {x}"),
    ("shape", "wide"): ("a wide {x}", "a broad {x}", "a {x} that is wide"),
    ("shape", "narrow"): ("a narrow {x}", "a slim {x}", "a {x} that is narrow"),
}
"""Phrasings that request one attribute."""

WORDS = {
    ("stroke", "thick"): "thick", ("stroke", "thin"): "thin", ("slant", "left"): "left-leaning",
    ("slant", "right"): "right-leaning", ("slant", "upright"): "upright", ("size", "big"): "big",
    ("size", "small"): "small", ("shape", "wide"): "wide", ("shape", "narrow"): "narrow",
}  # fmt: skip
CONTRARY = ({"small", "wide"}, {"big", "narrow"})
"""MNIST scales every digit to a box of twenty pixels, so a narrow digit is also a small one."""


def one_attribute(n: int, seed: int) -> list[PromptCase]:
    """n prompts with one attribute, each digit and attribute about equally often."""
    rng = random.Random(f"one {seed}")
    whole = [
        PromptCase(frame.format(x=digit), {"digit": digit, name: word})
        for (name, word), frames in ASKED.items()
        for frame in frames
        for digit in DIGITS
    ]
    return _drawn(whole, n, rng)


def two_attributes(n: int, seed: int) -> list[PromptCase]:
    """n prompts with two attributes that do not contradict each other."""
    rng = random.Random(f"two {seed}")
    pairs = [
        (a, b)
        for a, b in itertools.permutations(WORDS, 2)
        if a[0] != b[0] and {a[1], b[1]} not in CONTRARY
    ]
    whole = [
        PromptCase(f"a {WORDS[a]} {WORDS[b]} {digit}", {"digit": digit, a[0]: a[1], b[0]: b[1]})
        for a, b in pairs
        for digit in DIGITS
    ]
    return _drawn(whole, n, rng)


def _drawn(cases: list[PromptCase], n: int, rng: random.Random) -> list[PromptCase]:
    rng.shuffle(cases)
    return [cases[i % len(cases)] for i in range(n)]


def measured(
    tti: TextToImage, judge: JudgeNet, meter: DigitMeter, cases: list[PromptCase], **how: Any
) -> dict[str, Any]:
    """Paint one picture per prompt, measure the attributes and read the digits."""
    x = finished(paint_cases(tti, cases, 1, **how), f"{len(cases)} prompts")
    held = meter.holds(x, [case.facts for case in cases])
    read = torch.cat([judge(part)[0].argmax(1) for part in x.split(256)]).tolist()
    rejected = torch.cat([judge(part)[1] for part in x.split(256)]).tolist()
    right = [
        judge.classes[c] == case.facts["digit"] and not bad
        for c, bad, case in zip(read, rejected, cases, strict=True)
    ]
    words: dict[str, list[bool]] = {}
    for case, one in zip(cases, held, strict=True):
        for name, ok in one.items():
            words.setdefault(case.facts[name], []).append(ok)
    return {
        "attributes": counted([all(one.values()) for one in held]),
        "digit": counted(right),
        "words": {word: counted(oks) for word, oks in sorted(words.items())},
    }


def show(title: str, found: dict[str, Any]) -> None:
    """Print one of the two tables."""
    print(title)
    rows = {"attributes": found["attributes"], "digit": found["digit"], **found["words"]}
    for name, one in rows.items():
        low, high = one["interval_95"]
        print(f"  {name:12} {one['share']:6.1%}  {low:.1%} to {high:.1%}  n = {one['n']}")


def main() -> None:
    options = _options()
    tti, judge = TextToImage.from_pretrained(options.model), JudgeNet.load(options.judge)
    source = open_source("mnist")
    pixels = load_pixels(source, size=tti.model.config.data.image_size, channels=1)
    digits = [str(source.label(i)) for i in pixels.indices]
    meter = DigitMeter.of(torch.from_numpy(pixels.array), digits)
    how = {"seed": options.seed, "steps": options.steps}
    if options.bridge:
        how["bridge"] = options.bridge
    one = measured(tti, judge, meter, one_attribute(options.n, options.seed), **how)
    two = measured(tti, judge, meter, two_attributes(options.n, options.seed), **how)
    show("One attribute", one)
    show("Two attributes", two)
    kept = [
        claim("one attribute: on the requested side", one["attributes"]["share"], 0.85),
        claim("one attribute: the judge reads the digit", one["digit"]["share"], 0.95),
        claim("two attributes: both on the requested side", two["attributes"]["share"], 0.70),
    ]
    print_claims(kept)
    write_results(
        options.out,
        {
            "claims": kept,
            **painter(tti, judge, options.steps, options.seed),
            "one_attribute": one,
            "two_attributes": two,
        },
    )
    if options.image:
        sheet(tti, options.image, **how)


def sheet(tti: TextToImage, path: Path, **how: Any) -> None:
    """Save a sheet, one row per attribute, one column per digit, with consecutive seeds."""
    cases = [
        PromptCase(frames[0].format(x=digit), {}) for frames in ASKED.values() for digit in DIGITS
    ]
    x = finished(paint_cases(tti, cases, 1, **how), "sheet")
    path.parent.mkdir(parents=True, exist_ok=True)
    tensor_grid(x, len(DIGITS)).save(path)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model", default="digits", help="a shipped model, a run or a model folder"
    )
    parser.add_argument("--judge", type=Path, default=shipped_judge_folder("digits"))
    parser.add_argument("--n", type=int, default=400, help="prompts of each kind")
    parser.add_argument("--bridge", default=None)
    parser.add_argument("--steps", type=int, default=20, help="sampler steps")
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of the first picture and the prompts"
    )
    parser.add_argument("--out", type=Path, default=RESULTS / "attributes.json")
    parser.add_argument("--image", type=Path, default=IMAGES / "attributes.png")
    parser.add_argument("--no-image", action="store_const", const=None, dest="image")
    return parsed(parser)


if __name__ == "__main__":
    main()

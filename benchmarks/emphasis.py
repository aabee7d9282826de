"""How far should a prior emphasise what captions seldom state?

`python benchmarks/emphasis.py` (MNIST is located like the source `mnist`; flowers are drawn). The
priors of `digits` and `flowers` are fitted anew with each emphasis, on the same captions. Details
are what captions seldom state: two attributes of a digit, measured in the pixels, and the colour of
a flower's centre, read by the judge. Beside them: kinds read as asked, recall and Fréchet distance
of the same number of pictures, so that what details cost is seen. The bridge `resample`, which
needs no prior, is measured in the same way.
"""

import argparse
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import torch
from attributes import measured as measured_attributes
from attributes import two_attributes
from digit_attributes import DigitMeter
from distilled import figures_of
from flowers_from_words import WITH_CENTRE, WITH_MIDDLE
from parts import Parts
from reporting import RESULTS, claim, finished, parsed, print_claims
from torch import Tensor

from ddpm_clip import TextToImage
from ddpm_clip.conditioning.prior import EMPHASIS, Prior
from ddpm_clip.data.local.drawn_flowers import CENTRES, FACTS
from ddpm_clip.data.pictures.pixels import load_pixels
from ddpm_clip.data.sources import open_source
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.evaluation.metrics.features import judge_features
from ddpm_clip.evaluation.prompts.cases import cases_of, fewer
from ddpm_clip.evaluation.prompts.success import PromptCase, count_success, paint_cases
from ddpm_clip.evaluation.report.real_pictures import real_pictures
from ddpm_clip.training.bridge.pairs import MOST, captions_of, embedded
from ddpm_clip.training.prepare.refitting import caption_pairs
from ddpm_clip.utils.generators import finish

NAMES = ("digits", "flowers")
TRIED = (0.0, 0.5, EMPHASIS)
RESAMPLE = "resample"
"""The bridge that needs no prior, measured beside the others."""

GAIN = 0.05
"""How much more often than without emphasis details must be there."""


def main() -> None:
    options = _options()
    asked = {"n": options.n}
    arms: dict[str, tuple[str, float | None]] = {
        f"{name}, emphasis {by:g}": (name, by) for name in NAMES for by in TRIED
    }
    arms |= {f"{name}, {RESAMPLE}": (name, None) for name in NAMES}
    common = {"seeds": f"one a picture, {options.seed} and up", "pairs": MOST}
    parts = Parts(options.out, common, list(arms), claims)
    known = cache(Known.of)
    for part, (name, by) in arms.items():
        bridge = RESAMPLE if by is None else "prior"
        if name not in options.models or bridge not in options.bridges:
            continue
        if options.again or not parts.has(part, **asked):
            parts.measure(part, partial(measured, name, by, known(name), options), **asked)
            print(part, parts.found[part]["details"], flush=True)
    print_claims(parts.write())


@dataclass(frozen=True)
class Known:
    """A model, the pairs that its prior is fitted on, and features of real pictures."""

    tti: TextToImage
    pairs: tuple[Tensor, Tensor]
    real: Tensor

    @classmethod
    def of(cls, name: str) -> "Known":
        """Embed as many captions and pictures as a run fits its prior on."""
        tti = TextToImage.from_pretrained(name)
        pairs = finished(caption_pairs(tti.model), f"pairs of {name}")
        found = captions_of(pairs.source, pairs.indices, pairs.rows, pixels=pairs.pixels)
        texts = finish(embedded(tti.model.embedder, [text for _, text in found]))
        pool = finished(real_pictures(tti.model.config.data, tti.model.folder), "real pictures")
        real = judge_features(JudgeNet.load(shipped_judge_folder(name)), pool.unseen.pixels)
        return cls(tti, (texts, pairs.images[[row for row, _ in found]]), real)


def measured(
    name: str, by: float | None, known: "Known", options: argparse.Namespace
) -> dict[str, Any]:
    """Paint with a prior of this emphasis, or by `resample`, and compare with real pictures."""
    tti, judge = known.tti, JudgeNet.load(shipped_judge_folder(name))
    bridge = RESAMPLE if by is None else "prior"
    if by is not None:
        tti.model.conditioner.prior = Prior.fit(*known.pairs, emphasis=by)
    details = {"digits": two_of_a_digit, "flowers": centres}[name](tti, judge, bridge, options)
    cases = cases_of(judge.attributes)
    cases = fewer(cases, min(len(cases), options.n))
    each = max(1, options.n // len(cases))
    x = finished(paint_cases(tti, cases, each, options.seed, bridge=bridge), "kinds")
    return {
        "details": details,
        "pictures": len(x),
        "success": count_success(judge, x, cases, options.seed).total.as_dict(),
        **figures_of(judge_features(judge, x), known.real),
    }


def two_of_a_digit(
    tti: TextToImage, judge: JudgeNet, bridge: str, options: argparse.Namespace
) -> dict[str, Any]:
    """How often both attributes of a prompt are on the requested side of the median digit."""
    source = open_source("mnist")
    pixels = load_pixels(source, size=tti.model.config.data.image_size, channels=1)
    digits = [str(source.label(i)) for i in pixels.indices]
    meter = DigitMeter.of(torch.from_numpy(pixels.array), digits)
    cases = two_attributes(options.n_details, options.seed)
    found = measured_attributes(tti, judge, meter, cases, seed=options.seed, bridge=bridge)
    both: dict[str, Any] = found["attributes"]
    return both


def centres(
    tti: TextToImage, judge: JudgeNet, bridge: str, options: argparse.Namespace
) -> dict[str, Any]:
    """How often the judge reads the centre in the requested colour; not all species have one."""
    rng = random.Random(f"centres {options.seed}")
    cases = []
    for k in range(options.n_details):
        species, petals = rng.choice(list(WITH_CENTRE)), rng.choice(list(FACTS["petals"]))
        centre = rng.choice([one for one in CENTRES if one != petals])
        facts = {"species": species, "petals": petals, "centre": centre}
        cases.append(PromptCase(WITH_MIDDLE[k % len(WITH_MIDDLE)].format(**facts), facts))
    x = finished(paint_cases(tti, cases, 1, options.seed, bridge=bridge), "centres")
    judge = JudgeNet.load(shipped_judge_folder("flowers"))
    read: dict[str, Any] = (
        count_success(judge, x, cases, options.seed).attributes["centre"].as_dict()
    )
    return read


def claims(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The emphasis that runs use, against none."""
    kept = []
    for name in NAMES:
        none, ours = (found.get(f"{name}, emphasis {by:g}") for by in (0.0, EMPHASIS))
        if none and ours:
            gain = ours["details"]["share"] - none["details"]["share"]
            kept.append(claim(f"{name}: details asked for, more than without emphasis", gain, GAIN))
    return kept


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=NAMES, default=NAMES)
    both = ("prior", RESAMPLE)
    parser.add_argument("--bridges", nargs="+", choices=both, default=both)
    parser.add_argument("--n", type=int, default=1000, help="pictures of each arm")
    parser.add_argument("--n-details", type=int, default=400, help="prompts with details")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first picture")
    parser.add_argument("--again", action="store_true", help="measure finished parts again")
    parser.add_argument("--out", type=type(RESULTS), default=RESULTS / "emphasis.json")
    return parsed(parser)


if __name__ == "__main__":
    main()

"""Without words: conditions drawn from those of pictures, or none at all?

`python benchmarks/without_words.py` (MNIST is located like the source `mnist`; flowers are drawn).
The shipped models paint pictures like those of their folder: with the network's unconditional
branch (`generate --unconditional`), and from drawn conditions (`ddpm-clip sample`) at several
guidance scales. Each set is compared with pictures that the model never saw, and searched for
copies of pictures that it learned from.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from parts import Facts, Parts
from reporting import RESULTS, claim, counted, finished, parsed, print_claims
from torch import Tensor

from ddpm_clip import TextToImage
from ddpm_clip.editing import sample
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.evaluation.metrics.against_real import beside_real
from ddpm_clip.evaluation.metrics.features import judge_features, pixel_features, some_rows
from ddpm_clip.evaluation.metrics.memorisation import audit
from ddpm_clip.evaluation.metrics.two_sample import two_sample_test
from ddpm_clip.evaluation.prompts.success import PromptCase, accepted, paint_cases
from ddpm_clip.evaluation.report.real_pictures import real_pictures
from ddpm_clip.utils.tensors import stack_pictures, to_float

NAMES = ("digits", "flowers")
BRANCH, DRAWN = "no condition", "drawn, guidance {:g}"
SCALES = (1.0, 1.5, 2.0)
USUAL = DRAWN.format(2)
"""What `ddpm-clip sample` does by itself."""

METRICS = ("frechet", "kid", "manifold")
SEARCHED, FEWEST, COMPARED = 20_000, 200, 5_000
"""Training pictures that are searched for copies; held-out ones that are enough beside them; unseen
pictures that distances are drawn from."""

READ, FRECHET, OFF = 0.95, 3.0, 0.05
"""Pictures that the judge accepts; Fréchet distance in units of that of real pictures; how far the
share of pictures that are nearer to training pictures may be from one half."""


def main() -> None:
    options = _options()
    arms: list[float | None] = [None, *SCALES]
    names = {(model, scale): f"{model}, {named(scale)}" for model in NAMES for scale in arms}
    common = {"seeds": f"one a picture, {options.seed} and up"}
    parts = Parts(options.out, common, list(names.values()), claims)
    for (model, scale), name in names.items():
        asked = {"n": options.n}
        if model not in options.models or (not options.again and parts.has(name, **asked)):
            continue
        parts.measure(name, partial(measured, model, scale, options), **asked)
    print_claims(parts.write())


def named(scale: float | None) -> str:
    """Return the name of an arm; None is the unconditional branch."""
    return BRANCH if scale is None else DRAWN.format(scale)


def measured(model: str, scale: float | None, options: argparse.Namespace) -> Facts:
    """Paint `n` pictures, and compare them with real ones."""
    tti, judge, real = opened(model)
    x = painted(tti, scale, options)
    ours, beside = judge_features(judge, x), dict[str, Any]()
    unseen = real.unseen[some_rows(len(real.unseen), 2 * options.n, options.seed)]
    half, other = unseen.chunk(2)
    for metric in METRICS:
        found = finished(beside_real(metric, ours, unseen), metric)
        beside |= {name: one.as_dict() for name, one in found.items()}
    found_in = {"pixels": pixel_features(x), "features": ours}
    return {
        "model_fingerprint": tti.model.fingerprint,
        "accepted": counted(accepted(judge, x)),
        "real_accepted": real.accepted,
        "against_unseen": beside,
        "told_apart": {
            "painted": finished(two_sample_test(ours, half), "classifier").as_dict(),
            "real": finished(two_sample_test(other, half), "classifier").as_dict(),
        },
        "copies": {name: audit(x, *real.audited[name]).as_dict() for name, x in found_in.items()},
        "copies_beside": real.audited_is,
    }


@dataclass(frozen=True, slots=True)
class Beside:
    """What painted pictures are compared with.

    Attributes:
        unseen: features (n, d) of pictures that the model never saw.
        accepted: how many of these the judge accepts.
        audited: features of training pictures and of held-out ones, by the space they are in.
        audited_is: where the held-out ones come from.
    """

    unseen: Tensor
    accepted: Facts
    audited: dict[str, tuple[Tensor, Tensor]]
    audited_is: str


@cache
def opened(model: str) -> tuple[TextToImage, JudgeNet, Beside]:
    """Return a shipped model, its judge, and what its pictures are compared with."""
    tti, judge = TextToImage.from_pretrained(model), JudgeNet.load(shipped_judge_folder(model))
    real = finished(real_pictures(tti.model.config.data, tti.model.folder), "real pictures")
    apart, apart_is = real.for_audit(FEWEST)
    if real.train is None or real.unseen is None or apart is None:
        raise SystemExit(f"the pictures of {model} are not on this machine")
    unseen = real.unseen.pixels[some_rows(len(real.unseen), COMPARED, 0)]
    pixels = (real.train.pixels[some_rows(len(real.train), SEARCHED, 0)], apart.pixels)
    features = [judge_features(judge, one) for one in pixels]
    in_pixels = [pixel_features(one) for one in pixels]
    audited = {"pixels": (in_pixels[0], in_pixels[1]), "features": (features[0], features[1])}
    taken = counted(accepted(judge, to_float(unseen)))
    return tti, judge, Beside(judge_features(judge, unseen), taken, audited, apart_is)


def painted(tti: TextToImage, scale: float | None, options: argparse.Namespace) -> Tensor:
    """Paint (n, c, h, w) in [-1, 1]: unconditionally, or from drawn conditions at a scale."""
    if scale is None:
        asked = [PromptCase("(unconditional)", {})]
        x: Tensor = finished(
            paint_cases(tti, asked, options.n, options.seed, unconditional=True), BRANCH
        )
        return x
    settings = tti.settings(n=options.n, seed=options.seed, guidance=scale)
    pictures = [one.image for one in finished(sample(tti, settings), named(scale))]
    channels, height, width = tti.model.image_shape
    return stack_pictures(pictures, (height, width), channels)


def claims(found: Mapping[str, Any]) -> list[Facts]:
    """The targets that a release must meet, with the settings of the command."""
    kept = []
    for model in NAMES:
        one = found.get(f"{model}, {USUAL}")
        if one is None:
            continue
        taken, distance = one["accepted"]["share"], one["against_unseen"]["frechet"]
        nearer = one["copies"]["pixels"]["closer_to_train"]["share"]
        times = distance["painted"] / distance["real"]
        far = f"`{model}`: Fréchet distance of sampled pictures, relative to that of real ones"
        off = f"`{model}`: share of sampled pictures nearer to training than to held-out ones"
        kept += [
            claim(f"`{model}`: sampled pictures that the judge accepts", taken, READ),
            claim(far, times, FRECHET, at_most=True, unit="x"),
            claim(f"{off}, deviation from 50 %", abs(nearer - 0.5), OFF, at_most=True),
        ]
    return kept


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--n", type=int, default=2000, help="pictures of each arm")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first picture")
    parser.add_argument("--again", action="store_true", help="measure finished parts again")
    parser.add_argument("--out", type=Path, default=RESULTS / "without_words.json")
    return parsed(parser)


if __name__ == "__main__":
    main()

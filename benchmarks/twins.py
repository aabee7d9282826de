"""The shipped fast twins beside the models that they were distilled from.

`python benchmarks/twins.py` (MNIST is located like the source `mnist`; flowers are drawn). The same
prompts and seeds are painted by `digits` and `digits-fast`, `flowers` and `flowers-fast`, and both
are compared with real pictures. The targets are those of `benchmarks/distilled.py`, which measures
the training of such models; here one training is measured, the one that ships.
"""

import argparse
from collections.abc import Mapping
from functools import partial
from typing import Any

from distilled import DISTANCE, RECALL, SUCCESS, TOLD, compared, times_faster
from parts import Parts
from reporting import IMAGES, RESULTS, claim, parsed, print_claims

from ddpm_clip import TextToImage

NAMES = ("digits", "flowers")
TWIN = "{}-fast"
TIMES = 10.0
"""Times as many pictures a second as its teacher, whose 20 steps are 40 network calls."""


def main() -> None:
    options = _options()
    asked = {"n": options.n}
    common = {"seeds": f"one a picture, {options.seed} and up"}
    names = [one for name in NAMES for one in (name, TWIN.format(name))]
    parts = Parts(options.out, common, names, claims)
    for name in names:
        if name in options.again or not parts.has(name, **asked):
            parts.measure(name, partial(measured, name, options), **asked)
            print(name, {key: parts.found[name][key] for key in ("frechet", "recall", "success")})
    print_claims(parts.write())


def measured(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Compare one model with real pictures, and a twin also with the speed of its teacher."""
    tti = TextToImage.from_pretrained(name)
    teacher = tti.model.config.distillation.teacher
    sheet = options.images / f"twins-{name}.png"
    found = compared(tti, teacher or name, {}, sheet, options)
    if teacher:
        found["network_calls"] = tti.model.config.distillation.calls
        found["times_faster"] = times_faster(tti, teacher)
    return found


def claims(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The targets, for each pair that was measured."""
    kept: list[dict[str, Any]] = []
    for name in NAMES:
        twin = found.get(TWIN.format(name))
        if name in found and twin:
            kept += _claims(TWIN.format(name), found[name], twin)
    return kept


def _claims(name: str, teacher: Mapping[str, Any], twin: Mapping[str, Any]) -> list[dict[str, Any]]:
    of = f"{name}, n = {twin['pictures']}"
    distance = twin["frechet"]["value"] / teacher["frechet"]["value"]
    recall = twin["recall"]["value"] / max(teacher["recall"]["value"], 1e-9)
    success = twin["success"]["share"] - teacher["success"]["share"]
    told = twin["told_apart"]["accuracy"] - teacher["told_apart"]["accuracy"]
    times = twin["times_faster"]["median"]
    return [
        claim(
            f"{of}: Fréchet distance, of the teacher's", distance, DISTANCE, at_most=True, unit="x"
        ),
        claim(f"{of}: recall, of the teacher's", recall, RECALL, unit="x"),
        claim(f"{of}: success, difference", success, SUCCESS),
        claim(f"{of}: told apart, difference", told, TOLD, at_most=True),
        claim(f"{of}: pictures a second, of the teacher's", times, TIMES, unit="x"),
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--n", type=int, default=5000, help="pictures of each model")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first picture")
    every = [*NAMES, *map(TWIN.format, NAMES)]
    again = "measure these finished parts again"
    parser.add_argument("--again", nargs="+", choices=every, default=[], help=again)
    parser.add_argument("--images", type=type(IMAGES), default=IMAGES)
    parser.add_argument("--out", type=type(RESULTS), default=RESULTS / "twins.json")
    return parsed(parser)


if __name__ == "__main__":
    main()

"""The bridges from text to image embeddings, end to end: what each gains and costs.

    python benchmarks/bridges.py
    python benchmarks/bridges.py --gap "no gap"

Every bridge paints the same prompts with the same seeds, and a judge reads the pictures. This is
done three times: with the model's own gap; with a planted gap of 0.85 between the means, as in real
CLIPs; and with the mean of the texts moved to the mean of the pictures, which leaves no gap.
The oracle uses embeddings of real pictures of the requested digits. Reported are the paired
difference from `identity` with its interval, and the share of the distance to the oracle that is
closed. Each bridge is saved as soon as it is finished, and finished ones are not repeated. MNIST is
located like the source `mnist`.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from compare_bridges import CEILING
from digits_from_words import real_pictures
from paired import Paired, resampled
from parts import Facts, Parts
from planted_gap import (
    LOUDNESS,
    TURNED_AWAY,
    CaptionedPictures,
    loudness,
    move_to,
    place_of_gap,
    replanted,
)
from reporting import RESULTS, claim, finished, painter, parsed, print_claims
from torch.nn import functional as F

from ddpm_clip import TextToImage
from ddpm_clip.evaluation.gap.measures import measure_gap
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.evaluation.prompts.cases import digit_cases
from ddpm_clip.evaluation.prompts.ceiling import from_pictures
from ddpm_clip.evaluation.prompts.success import JudgedPicture, judged, paint_cases, tabulated

OWN, PLANTED, NONE = "own gap", "planted gap", "no gap"
GAPS = (OWN, PLANTED, NONE)
BRIDGES = ("identity", "shift", "noise", "knn", "prior")
IDENTITY, REPORT = "identity", "gap report"
DISTANCE, NOISE = 0.85, 0.036
"""The planted gap: distance of the means (0.851 on COCO pairs), and noise of each coordinate."""

PLANT = {"distance": DISTANCE, "noise": NOISE, "turned_away": TURNED_AWAY, "loudness": LOUDNESS}
PROMPTS = digit_cases()
PAIRS = 2000
DIVIDABLE = 0.02
"""Smallest difference of oracle and identity for which a share of it is reported."""


class Worlds:
    """The model, with each of the gaps."""

    def __init__(self, tti: TextToImage):
        self.tti, self.size = tti, tti.model.config.data.image_size.height
        self._made: dict[str, tuple[TextToImage, str]] = {}

    @cached_property
    def held(self) -> CaptionedPictures:
        """Caption pairs from the test pictures of MNIST."""
        return CaptionedPictures.of(self.tti.model.embedder, self.size, "test", PAIRS // 2)

    @cached_property
    def known(self) -> CaptionedPictures:
        """Caption pairs from the training pictures, as many as a run fits its prior on."""
        return CaptionedPictures.of(self.tti.model.embedder, self.size, "train", PAIRS)

    def of(self, gap: str) -> tuple[TextToImage, str]:
        """The model with this gap, and the bridge that its run would choose."""
        if gap not in self._made:
            self._made[gap] = self._with(gap)
        return self._made[gap]

    def _with(self, gap: str) -> tuple[TextToImage, str]:
        conditioner = self.tti.model.conditioner
        if gap == OWN:
            return self.tti, conditioner.options.bridge
        texts = self.tti.model.embedder.embed_texts(conditioner.prompts).detach().cpu()
        planted = gap == PLANTED
        mean = place_of_gap(conditioner, DISTANCE) if planted else conditioner.mean_image
        move = move_to(mean, texts, conditioner.prompts, NOISE if planted else 0.0)
        tti, choice = replanted(self.tti, move, self.known, self.held)
        return tti, choice.bridge

    def report(self, gap: str) -> Facts:
        """The gap report, for the model's own prompts and for held-out pairs."""
        tti, own = self.of(gap)
        conditioner, embedder = tti.model.conditioner, tti.model.embedder
        prompts = embedder.embed_texts(conditioner.prompts).detach().cpu()
        model = measure_gap(conditioner.bank.float(), prompts, paired=False)
        pairs = measure_gap(
            F.normalize(self.held.images, dim=1), self.held.texts(embedder), paired=True
        )
        gap_itself = F.normalize(conditioner.mean_text - conditioner.mean_image, dim=0)
        loud = loudness(gap_itself[None], conditioner.covariance).item()
        return {
            "model": model.as_dict(),
            "pairs": pairs.as_dict(),
            "chosen_bridge": own,
            "variance_of_pictures_along_it": round(loud, 3),
        }


def painted(tti: TextToImage, judge: JudgeNet, n: int, seed: int, title: str, **how: Any) -> Facts:
    """Paint and judge `n` pictures per prompt; keeps each outcome as 1 or 0, for pairing."""
    x = finished(paint_cases(tti, PROMPTS, n, seed, **how), title)
    asked = [case for case in PROMPTS for _ in range(n)]
    verdicts: list[JudgedPicture] = []
    for start in range(0, len(x), 256):
        verdicts += judged(judge, x[start : start + 256], asked[start : start + 256])
    total = tabulated(verdicts).total.as_dict()
    print(title, total, flush=True)
    return {"total": total, "outcomes": "".join(str(int(one.success)) for one in verdicts)}


def outcomes(part: Mapping[str, Any]) -> list[bool]:
    """Whether each picture succeeded."""
    return [mark == "1" for mark in part["outcomes"]]


def compared(found: Mapping[str, Any]) -> Facts:
    """Compare the bridges, for every gap whose identity and oracle are measured."""
    table = {}
    for gap in GAPS:
        there = {name: found[f"{gap}/{name}"] for name in BRIDGES if f"{gap}/{name}" in found}
        if IDENTITY in there and CEILING in found:
            rows = {name: _row(one, there[IDENTITY], found[CEILING]) for name, one in there.items()}
            best = max(rows, key=lambda name: rows[name]["total"]["share"])
            table[gap] = {"report": found.get(f"{gap}/{REPORT}"), "best": best, "bridges": rows}
    return {"gaps": table, "prompts": [case.prompt for case in PROMPTS]}


def _row(one: Mapping[str, Any], identity: Mapping[str, Any], oracle: Mapping[str, Any]) -> Facts:
    """One bridge against identity, as a paired comparison."""
    arms = [outcomes(part) for part in (one, identity, oracle)]
    by_prompt = len(arms[0]) // len(PROMPTS)
    other = resampled(arms, lambda s: float(s[0] - s[1]), block=by_prompt)
    row = {
        "total": one["total"],
        "minus_identity": Paired.of(arms[0], arms[1]).as_dict(),
        "minus_identity_other_prompts": _rounded(other),
    }
    return row | {"gap_closed": gap_closed(arms)}


def gap_closed(arms: Sequence[Sequence[bool]]) -> Facts | None:
    """(method - identity) / (oracle - identity), with its interval over other seeds.

    Args:
        arms: outcomes (3, n) of method, identity and oracle.

    Returns:
        The share and its interval; None if oracle and identity hardly differ.
    """
    method, identity, oracle = (sum(arm) / len(arm) for arm in arms)
    if oracle - identity < DIVIDABLE:
        return None
    span = resampled(arms, lambda s: float((s[0] - s[1]) / max(s[2] - s[1], 1e-9)))
    share = (method - identity) / (oracle - identity)
    return {"share": round(share, 4), "interval_95": _rounded(span)}


def _rounded(span: Sequence[float]) -> list[float]:
    return [round(float(np.float64(end)), 4) for end in span]


def claims(found: Mapping[str, Any]) -> list[Facts]:
    """Targets: some bridge helps if there is a gap, and none does harm if there is none."""
    table, kept = compared(found)["gaps"], []
    for gap in (OWN, PLANTED):
        if gap in table and len(table[gap]["bridges"]) == len(BRIDGES):
            best = table[gap]["best"]
            low = table[gap]["bridges"][best]["minus_identity"]["interval_95"][0]
            text = f"{gap}: success of {best} minus identity, paired: lower end of the interval"
            kept.append(claim(text, low, 0.0))
    if PLANTED in table and table[PLANTED]["report"]:
        distance = table[PLANTED]["report"]["model"]["distance"]
        kept.append(
            claim(
                "distance of the means in the gap report: error against the planted one",
                abs(distance - DISTANCE),
                0.005,
                at_most=True,
                unit="",
            )
        )
    if NONE in table and len(table[NONE]["bridges"]) == len(BRIDGES):
        costs = {
            name: -row["minus_identity"]["difference"]
            for name, row in table[NONE]["bridges"].items()
            if name != IDENTITY
        }
        worst = max(costs, key=lambda name: costs[name])
        kept.append(
            claim(
                f"no gap: success lost by the worst bridge ({worst})",
                costs[worst],
                0.01,
                at_most=True,
            )
        )
    return kept


def main() -> None:
    options = _options()
    tti, judge = TextToImage.from_pretrained(options.model), JudgeNet.load(options.judge)
    worlds, n = Worlds(tti), -(-options.n // len(PROMPTS))
    common = painter(tti, judge, options.steps, options.seed) | {"pictures": n * len(PROMPTS)}
    names = [CEILING, *(f"{gap}/{name}" for gap in GAPS for name in (REPORT, *BRIDGES))]
    parts = Parts(options.out, common, names, claims, compared)
    for name, work in _works(worlds, judge, n, options).items():
        asked = {"planted": PLANT} if name.startswith(PLANTED) else {}
        if options.again or not parts.has(name, **asked):
            parts.measure(name, work, **asked)
    print_claims(parts.write())


def _works(
    worlds: Worlds, judge: JudgeNet, n: int, options: argparse.Namespace
) -> dict[str, Callable[[], Facts]]:
    """The work of each part, in order."""
    how: dict[str, Any] = {"steps": options.steps}

    def oracle() -> Facts:
        real = real_pictures(worlds.size)
        conditions = from_pictures(worlds.tti, *real, PROMPTS)
        return painted(worlds.tti, judge, n, options.seed, CEILING, conditions=conditions, **how)

    def bridged(gap: str, bridge: str) -> Facts:
        title, tti = f"{gap}, {bridge}", worlds.of(gap)[0]
        return painted(tti, judge, n, options.seed, title, bridge=bridge, **how)

    works: dict[str, Callable[[], Facts]] = {CEILING: oracle}
    for gap in options.gap:
        works[f"{gap}/{REPORT}"] = partial(worlds.report, gap)
        works |= {f"{gap}/{bridge}": partial(bridged, gap, bridge) for bridge in BRIDGES}
    return works


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model", default="digits", help="a shipped model, a run or a model folder"
    )
    parser.add_argument("--judge", type=Path, default=shipped_judge_folder("digits"))
    parser.add_argument("--gap", nargs="+", choices=GAPS, default=list(GAPS))
    parser.add_argument("--again", action="store_true", help="paint finished parts again")
    parser.add_argument("--n", type=int, default=2000, help="pictures per bridge and gap")
    parser.add_argument("--steps", type=int, default=10, help="sampler steps")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first picture")
    parser.add_argument("--out", type=Path, default=RESULTS / "bridges.json")
    return parsed(parser)


if __name__ == "__main__":
    main()

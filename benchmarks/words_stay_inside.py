"""Do the pictures look like the folder's, whatever is asked and however strong the guidance?

`python benchmarks/words_stay_inside.py`. Prompts that the pictures cover well, thinly, not at all,
and made-up words, at the guidance scales 1, 2 and 4, bounded and not. Of `digits`, `flowers` and
the photographs of `promise.py` (`--photos WORK`, the folder that it was given), precision is
measured in the features of a judge; of discs, which are drawn and trained here, it is the share of
pictures with one disc of a right size. Each is compared with what the same model paints without
a condition. Success on covered prompts is measured beside it, on the same seeds.
"""

import argparse
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from coverage_of_prompts import covered, outside
from discs import discs_found, real_discs, trained_discs
from flowers_from_words import flower_cases
from labelled import real_pictures
from paired import Paired
from parts import Parts
from reporting import IMAGES, RESULTS, ROOT, claim, counted, finished, parsed, print_claims
from strong_judge import StrongJudge, labelled
from torch import Tensor

from ddpm_clip import TextToImage
from ddpm_clip.coverage.prompt_coverage import PromptCoverage
from ddpm_clip.data.captions.digit_words import DIGITS
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.evaluation.metrics.features import judge_features
from ddpm_clip.evaluation.metrics.manifold import manifold
from ddpm_clip.evaluation.prompts.success import PromptCase, judged, paint_cases
from ddpm_clip.utils.visualization import grid

SCALES = (1.0, 2.0, 4.0)
NEEDED, LOST = 0.9, 0.005
"""Share of the unconditional precision that is needed; success that may be lost."""

GROUPS = ("well covered", "thin", "outside", "nonsense")
ASKED = 20
"""Most prompts per group."""

SEEN = 2000
"""Real pictures that precision is measured against."""

SAID = ("{numeral}", "{word}", "the digit {word}", "a handwritten {word}", "{word}, please")


@dataclass(frozen=True, slots=True)
class Subject:
    """A model and how its pictures are measured.

    Attributes:
        tti: the model.
        share: share of pictures that look like the folder's.
        cases: covered prompts, of which the judge reads whether they were followed; may be empty.
        judge: that judge; None if there are no cases.
        real: the share for real pictures.
    """

    tti: TextToImage
    share: Callable[[Tensor], float]
    cases: Sequence[PromptCase]
    judge: JudgeNet | None
    real: float


def main() -> None:
    options = _options()
    if options.image:
        return save_sheet(trained_discs(options.work), options.image, options.steps)
    names = ["discs", "digits", "flowers", *(["photos"] if options.photos else [])]
    parts = Parts(options.out, {"steps": options.steps, "seed": options.seed}, names, claims)
    for name in options.only or names:
        asks = {"n": options.n, "n_success": options.n_success}
        if not options.only and parts.has(name, **asks):
            print(f"{name}: already measured")
            continue
        subject = SUBJECTS[name](options)
        parts.measure(name, lambda: measured(subject, options), **asks)  # noqa: B023
    print_claims(parts.write())


def measured(subject: Subject, options: argparse.Namespace) -> dict[str, Any]:
    """All shares of a subject, and the success on its covered prompts."""
    prompts = grouped(subject, options.seed)
    plain = painted(subject, [""], options.n, options, unconditional=True)
    found: dict[str, Any] = {
        "model_fingerprint": subject.tti.model.fingerprint,
        "bridge": subject.tti.model.config.conditioning.bridge,
        "guidance_limit": subject.tti.model.conditioner.cloud.guidance_limit(torch.ones(1)).item(),
        "prompts": prompts,
        "real": subject.real,
        "unconditional": subject.share(plain),
        "groups": {},
    }
    for group, texts in prompts.items():
        for bounded in (True, False):
            for scale in SCALES:
                each = max(1, options.n // max(1, len(texts)))
                how = {"guidance": scale, "bounded": bounded}
                x = painted(subject, texts, each, options, **how) if texts else None
                share = None if x is None else subject.share(x)
                named = found["groups"].setdefault(group, {})
                named.setdefault("bounded" if bounded else "unbounded", {})[f"{scale:g}"] = share
                print(f"{group:14} bounded {bounded!s:5} scale {scale:g}: {share}", flush=True)
    return found | ({"success": success(subject, options)} if subject.judge else {})


def painted(
    subject: Subject, texts: Sequence[str], each: int, options: argparse.Namespace, **how: Any
) -> Tensor:
    """Paint `each` pictures of every text (n, c, h, w) in [-1, 1]."""
    cases = [PromptCase(text, {}) for text in texts]
    settings = {"steps": options.steps, "seed": options.seed} | how
    x: Tensor = finished(paint_cases(subject.tti, cases, each, **settings), "paint")
    return x


def success(subject: Subject, options: argparse.Namespace) -> dict[str, Any]:
    """Success on covered prompts at every scale, bounded and not, on the same seeds."""
    judge, found = subject.judge, {}
    assert judge is not None
    each = max(1, options.n_success // len(subject.cases))
    for scale in SCALES:
        right: dict[bool, list[bool]] = {}
        for bounded in (True, False):
            settings = {"steps": options.steps, "seed": options.seed, "bounded": bounded}
            work = paint_cases(subject.tti, subject.cases, each, guidance=scale, **settings)
            x = finished(work, "success")
            asked = [case for case in subject.cases for _ in range(each)]
            right[bounded] = [
                one.success
                for at in range(0, len(x), 256)
                for one in judged(judge, x[at : at + 256], asked[at : at + 256])
            ]
        pair = Paired.of(right[True], right[False])
        found[f"{scale:g}"] = {
            "bounded": counted(right[True]),
            "unbounded": counted(right[False]),
            "difference": round(pair.difference, 4),
            "difference_95": [round(end, 4) for end in pair.interval],
        }
        print(f"success at scale {scale:g}: {found[f'{scale:g}']}", flush=True)
    return found


def grouped(subject: Subject, seed: int) -> dict[str, list[str]]:
    """Prompts by group: the first three by the verdict of `ask`, the last made up."""
    model = subject.tti.model
    asker, beyond = PromptCoverage(model), outside(model.conditioner.prompts)
    nonsense = beyond.pop("invented")
    inside = covered(model.classes, model.conditioner.prompts)
    if subject.cases and not model.classes:  # pictures of which only their judge knows the classes
        inside = {"asked": [case.prompt for case in subject.cases]}
    candidates = [text for kind in (inside | beyond).values() for text in kind]
    random.Random(seed).shuffle(candidates)
    found: dict[str, list[str]] = {group: [] for group in GROUPS}
    for text in candidates:
        group = found[asker.ask(text, 1).verdict]
        if len(group) < ASKED:
            group.append(text)
    return found | {"nonsense": nonsense[:ASKED]}


def claims(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The targets that a release must meet."""
    kept = []
    for name, one in found.items():
        worst = min(
            (share, f"{group}, scale {scale}")
            for group, arms in one["groups"].items()
            for scale, share in arms["bounded"].items()
            if share is not None
        )
        needed = round(NEEDED * one["unconditional"], 4)
        kept.append(
            claim(f"`{name}`: looks like the folder's, worst: {worst[1]}", worst[0], needed)
        )
        lost = [-part["difference"] for part in one.get("success", {}).values()]
        if lost:
            text = f"`{name}`: success on covered prompts lost to the bound, worst scale"
            kept.append(claim(text, max(lost), LOST, at_most=True))
    return kept


SHOWN = {
    "no words": {"unconditional": True},
    "scale 1": {"guidance": 1.0},
    "scale 4": {"guidance": 4.0},
    "scale 1, unbounded": {"guidance": 1.0, "bounded": False},
    "scale 4, unbounded": {"guidance": 4.0, "bounded": False},
}
"""Rows of the sheet: the discs asked for a flower, and the settings."""


def save_sheet(tti: TextToImage, path: Path, steps: int, n: int = 10) -> None:
    """Save the first seeds of the discs, asked for what they do not show."""
    rows = [tti("a red rose", n=n, seed=0, steps=steps, **how) for how in SHOWN.values()]
    grid(rows, row_names=list(SHOWN), zoom=2).save(path)


def _discs(options: argparse.Namespace) -> Subject:
    def share(x: Tensor) -> float:
        return round(sum(discs_found(x)) / len(x), 4)

    tti = trained_discs(options.work)
    return Subject(tti, share, (), None, share(real_discs(options.work)))


def _judged(
    tti: TextToImage, judge: JudgeNet, cases: Sequence[PromptCase], pixels: Tensor
) -> Subject:
    """A subject whose precision is measured in the features of its judge.

    `pixels` (n, c, h, w) uint8 are of real pictures that it was not trained on.
    """
    rows = judge_features(judge, pixels)
    rows = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))[: 2 * SEEN]]
    real, others = rows[: len(rows) // 2], rows[len(rows) // 2 :]

    def share(x: Tensor) -> float:
        return round(manifold(judge_features(judge, x), real).precision, 4)

    return Subject(tti, share, cases, judge, round(manifold(others, real).precision, 4))


def _digits(options: argparse.Namespace) -> Subject:
    cases = [
        PromptCase(said.format(word=word, numeral=numeral), {"digit": word})
        for numeral, word in enumerate(DIGITS)
        for said in SAID
    ]
    judge, tti = (
        JudgeNet.load(shipped_judge_folder("digits")),
        TextToImage.from_pretrained("digits"),
    )
    return _judged(tti, judge, cases, real_pictures(tti.model.config.data)[0])


def _flowers(options: argparse.Namespace) -> Subject:
    judge = JudgeNet.load(shipped_judge_folder("flowers"))
    cases, tti = (
        flower_cases(options.n_success, options.seed),
        TextToImage.from_pretrained("flowers"),
    )
    return _judged(tti, judge, cases, real_pictures(tti.model.config.data)[0])


def _photos(options: argparse.Namespace) -> Subject:
    tti = TextToImage.from_pretrained(str(options.photos / "denoiser"))
    judge, test = StrongJudge.load(options.photos / "judge"), options.photos / "data" / "test.npz"
    cases = [PromptCase(f"a {name}", {"label": name}) for name in judge.classes]
    return _judged(tti, judge, cases, labelled(test, "test")[0])


SUBJECTS: dict[str, Callable[[argparse.Namespace], Subject]] = {
    "discs": _discs,
    "digits": _digits,
    "flowers": _flowers,
    "photos": _photos,
}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(SUBJECTS), help="measure these again")
    parser.add_argument("--n", type=int, default=200, help="pictures per group and scale")
    parser.add_argument("--n-success", type=int, default=1000, help="pictures per scale")
    parser.add_argument("--steps", type=int, default=10, help="sampler steps")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first picture")
    parser.add_argument("--work", type=Path, default=ROOT / "runs", help="folder for the discs")
    parser.add_argument("--photos", type=Path, help="a folder of promise.py; default: no photos")
    parser.add_argument(
        "--image",
        type=Path,
        nargs="?",
        const=IMAGES / "words_stay_inside.png",
        help="draw the sheet of discs and measure nothing",
    )
    parser.add_argument("--out", type=Path, default=RESULTS / "words_stay_inside.json")
    return parsed(parser)


if __name__ == "__main__":
    main()

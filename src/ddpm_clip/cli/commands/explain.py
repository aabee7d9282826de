"""`explain`: how a model arrives at its pictures, with the verdict of a test for every claim.

Reads the options and prints the results; the analyses are in `ddpm_clip.explain`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.options import AsJson, Overwrite
from ddpm_clip.cli.painting_options import (
    Bridge,
    Device,
    ModelArgument,
    OneGuidance,
    Sampler,
    Steps,
    painting_overrides,
    used_prompts,
)
from ddpm_clip.cli.progress import NOTHING_WRITTEN, watched
from ddpm_clip.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Generator

    from ddpm_clip.explain.report.run_all import Findings
    from ddpm_clip.types import Progress

FEW, MANY = 12, 16
"""Default number of seeds: with --quick and without."""

SHOWN = 20
"""Most classes that a remark lists."""

Prompt = Annotated[str, typer.Argument(metavar="PROMPT", help="The prompt to explain.")]
ANALYSES = (
    "trajectory, commitment, timesteps, switching, stepwise, guidance_field, guidance_weights, "
    "words, embedding, initial_noise, noise_prediction, provenance, bottleneck, inversion"
)
"""All that ship; a test compares them with the registry, which would take long to import."""

Analyses = Annotated[
    str | None,
    typer.Option(metavar="NAME[,NAME...]", help=f"Only these; by default all: {ANALYSES}."),
]
Seeds = Annotated[
    str | None,
    typer.Option(metavar="0-15|0,3,7", help="A picture per seed; by default 16, with --quick 12."),
]
Attribute = Annotated[
    str | None,
    typer.Option(help="Attribute that the judge reads; by default the one the prompt names."),
]
Words = Annotated[
    str | None,
    typer.Option(metavar="cifar100|FILE|WORD,...",
                 help="Words that a CLIP looks for in the noise; by default the class names."),
]  # fmt: skip


def explain(
    model: ModelArgument,
    prompt: Prompt,
    analyses: Analyses = None,
    seeds: Seeds = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer seeds and steps: about a minute.")
    ] = False,
    attribute: Attribute = None,
    words: Words = None,
    steps: Steps = None,
    guidance: OneGuidance = None,
    sampler: Sampler = None,
    bridge: Bridge = None,
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("report"),
    overwrite: Overwrite = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Explain the pictures of a prompt: when they are decided, and by which words.

    ddpm-clip explain digits "a six" --quick
    ddpm-clip explain digits "a photo of the digit six" --analyses commitment,words

    Writes report.html, report.json, one PNG per panel and analysis_generation.gif. Every analysis
    ends in a verdict: pass, fail or inconclusive. Prints the path of the page.
    """
    from ddpm_clip.explain.noise.vocabularies import words_of
    from ddpm_clip.explain.report.files import FILES, HTML, write_report
    from ddpm_clip.explain.report.files import as_json as json_form
    from ddpm_clip.explain.report.run_all import chosen
    from ddpm_clip.reports.folder import check_folder

    how = painting_overrides(guidance=guidance, steps=steps, sampler=sampler, bridge=bridge)
    names = chosen(None if analyses is None else _names(analyses))
    picked = _seeds(seeds) if seeds is not None else list(range(FEW if quick else MANY))
    text = used_prompts([prompt])[0]
    options = {} if words is None else {"noise_prediction": {"words": words_of(words)}}
    check_folder(out, FILES, overwrite)
    work = _explain(model, device, text, picked, names, quick, attribute, how, options)
    found = watched(work, told=NOTHING_WRITTEN)
    write_report(found, out)
    if as_json:
        return console.result_json(json_form(found))
    for one in found.found:
        console.say(f"{one.name}: {one.verdict}. {one.test}")
    for gone in found.skipped:
        console.say(f"{gone.name}: skipped. {gone.reason()}")
    console.result(str(out / HTML))


def _explain(
    model: str,
    device: str,
    prompt: str,
    seeds: list[int],
    names: list[str],
    quick: bool,
    attribute: str | None,
    how: dict[str, Any],
    options: dict[str, Any],
) -> "Generator[Progress, None, Findings]":
    from ddpm_clip.explain import target_of
    from ddpm_clip.explain.report.run_all import explain_all
    from ddpm_clip.explain.verdict.prerequisite import why_untested
    from ddpm_clip.generation.text_to_image import TextToImage

    tti = TextToImage.from_pretrained(model, device)
    target = target_of(tti, prompt, seeds, attribute=attribute, **how)
    tti.prompt_coverage.warn([target.prompt])
    if target.judging is None or target.asked_class is None:
        known = f": {', '.join(target.classes[:SHOWN])}" if target.classes else ""
        console.say(
            f'Some analyses will end in "Not tested": {why_untested(target)}{known}.', always=True
        )
    return explain_all(target, names, quick=quick, options=options)


def _names(text: str) -> list[str]:
    from ddpm_clip.explain import EXPLANATIONS

    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        raise UsageError("no analysis named", fix="--analyses trajectory", param="analyses")
    return [name if name in EXPLANATIONS else name.replace("-", "_") for name in names]


def _seeds(text: str) -> list[int]:
    """Return the seeds in `0-15` or `0,3,7`, checked as in Python.

    Raises:
        UsageError: a part is not a seed or a range of seeds, or there are too many seeds.
    """
    from ddpm_clip.config.limits import MAX_SEEDS, checked_seeds

    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UsageError(
                f"seeds = {text!r} cannot be read",
                f"{part.strip()!r} is not a seed",
                "--seeds 0-15, or --seeds 0,3,7",
                param="seeds",
            )
        low, high = int(first), int(last or first)
        if low > high:
            raise UsageError(
                f"seeds = {text!r} is out of range",
                f"in {part.strip()!r} the first seed is larger than the last",
                "--seeds 0-15",
                param="seeds",
            )
        found += range(low, min(high, low + MAX_SEEDS) + 1)
    return checked_seeds(found)

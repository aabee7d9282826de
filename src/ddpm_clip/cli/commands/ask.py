"""`ask`: do the training pictures of a model cover a prompt? What could be asked instead?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.options import AsJson
from ddpm_clip.cli.painting_options import WHOLE, Device, ModelArgument, used_prompts

if TYPE_CHECKING:
    from ddpm_clip.coverage.prompt_coverage import CoverageAnswer, PromptCoverage


def ask(
    model: ModelArgument,
    prompts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PROMPT...", help="Without a prompt: suggest some.", show_default=False
        ),
    ] = None,
    k: Annotated[
        int | None, typer.Option("-k", help="Number of nearest pictures to list.", **WHOLE)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw the nearest pictures.")
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Check how well the training pictures cover a prompt.

    ddpm-clip ask flowers "a red rose" "a purple horse"
    ddpm-clip ask flowers

    The verdict is well covered, thin (known words, but few pictures) or outside. Below it are the
    nearest training pictures, each with its weight in the knn bridge. Without a prompt it lists
    prompts that are well covered and span what the pictures show.
    """
    from ddpm_clip.config.limits import checked_whole
    from ddpm_clip.coverage.prompt_coverage import PromptCoverage
    from ddpm_clip.runs.pretrained import load

    asked = used_prompts(prompts) if prompts else []
    k = None if k is None else checked_whole("k", k)
    prompt_coverage = PromptCoverage(load(model, device))
    if not asked:
        return _suggest(prompt_coverage, as_json)
    answers = [prompt_coverage.ask(prompt, k) for prompt in asked]
    if as_json:
        facts = {"model": prompt_coverage.model.name, "error": prompt_coverage.coverage.error}
        console.result_json(facts | {"answers": [answer.as_dict() for answer in answers]})
    else:
        _print(prompt_coverage, answers)
    if out is not None:
        _draw(prompt_coverage, answers, out)


def _suggest(prompt_coverage: "PromptCoverage", as_json: bool) -> None:
    suggestions = prompt_coverage.coverage.suggestions
    if as_json:
        facts = [{"prompt": one.prompt, "near": one.near} for one in suggestions]
        return console.result_json({"model": prompt_coverage.model.name, "suggestions": facts})
    pictures = len(prompt_coverage.model.conditioner.bank)
    console.say(f"well covered prompts, with the number of near pictures (of {pictures:,})")
    for one in suggestions:
        console.result(f"{one.near:>7,}  {one.prompt}")


def _print(prompt_coverage: "PromptCoverage", answers: "list[CoverageAnswer]") -> None:
    error = prompt_coverage.coverage.error
    for answer in answers:
        console.result(f"{answer.verdict}: {answer.prompt}")
        console.result(
            f"  similarity {answer.similarity:.2f}, above {answer.percentile:.0f} % of covered "
            f"prompts; {answer.near:,} of {answer.pictures:,} pictures are near"
        )
        for one in answer.neighbours:
            console.result(f"  {one.key:<32} cosine {one.cosine:.2f}   share {one.share:4.0%}")
        if answer.suggestions:
            prompts = ", ".join(repr(one.prompt) for one in answer.suggestions)
            console.result(f"  you could ask: {prompts}")
    console.say(f"of prompts with known coverage, {error:.0%} get the wrong verdict")


def _draw(prompt_coverage: "PromptCoverage", answers: "list[CoverageAnswer]", out: Path) -> None:
    """Draw the nearest pictures, or warn if the pictures are not available."""
    from ddpm_clip.coverage.showing import sheet
    from ddpm_clip.errors import CannotCreate, DataError, MissingInput
    from ddpm_clip.runs.file_names import CONFIG
    from ddpm_clip.runs.leftovers import if_moved
    from ddpm_clip.utils.visualization import own_texts

    try:
        picture = sheet(answers, prompt_coverage.model.config.data)
    except (MissingInput, DataError) as error:
        folder = prompt_coverage.model.folder
        way = f"; {if_moved(folder)}" if (folder / CONFIG).is_file() else ""
        return console.warn(f"cannot draw {out}: {error.what}{way}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        picture.save(out, pnginfo=own_texts())
    except (OSError, ValueError) as error:
        raise CannotCreate(
            f"cannot write {out}", str(error), "choose another --out", param="out"
        ) from error
    console.say(f"written: {out}")

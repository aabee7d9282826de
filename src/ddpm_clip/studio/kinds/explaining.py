"""The kind `explain`: why does a picture look so? Each analysis is told as soon as it is made."""

from collections.abc import Generator
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ddpm_clip.errors import UsageError
from ddpm_clip.server.kinds.paint import PaintingFields, with_seed
from ddpm_clip.server.service.events import Event, part, step, warning
from ddpm_clip.server.service.fields import Prompt
from ddpm_clip.server.service.kind import Context, JobKind, Result
from ddpm_clip.studio.gallery.entry import png_size
from ddpm_clip.studio.kinds.painting_again import PictureId, parameters_of

if TYPE_CHECKING:
    from ddpm_clip.explain import AnalysisTarget, Explanation
    from ddpm_clip.explain.panels.kinds import Panel
    from ddpm_clip.reports.figures import Skipped

SEEDS = {True: 8, False: 16}
"""How many pictures are analysed: quick or not; the first has the seed that is asked for."""

SAME = ("steps", "guidance", "sampler", "bridge", "negative")
"""Parameters of a picture that its explanation takes over."""


class ExplainRequest(PaintingFields):
    """Explain the pictures of a prompt, or one picture."""

    picture: PictureId | None = Field(None, description="id of a picture of ours with a prompt")
    prompt: Prompt | None = Field(None, description="the prompt, in place of a picture")
    analyses: Annotated[list[str], Field(max_length=20)] | None = Field(
        None, description="names of analyses; default: all"
    )
    quick: bool = Field(True, description="fewer seeds and steps")


def checked(context: Context, request: ExplainRequest) -> Any:
    """Return a request with prompt, seed and settings, those of its picture if it names one.

    Raises:
        UsageError: There is no prompt, or an analysis does not exist.
        MissingInput: There is no such picture.
        DataError: The picture does not say how it was painted.
    """
    from ddpm_clip.explain.report.run_all import chosen

    chosen(request.analyses)
    if request.picture is not None:
        request = _as_painted(context, request)
    if request.prompt is None:
        raise UsageError(
            "there is no prompt to explain",
            "the picture was painted without words"
            if request.picture
            else "neither a prompt nor a picture is given",
            "choose a picture that was painted from a prompt",
            param="prompt",
        )
    return with_seed(context, request)


def explain(context: Context, request: ExplainRequest) -> Generator[Event, None, Result]:
    """Run the analyses; each is a `part` event, and all are in the result."""
    from ddpm_clip.explain.report.run_all import chosen, explain_each
    from ddpm_clip.explain.verdict.result import Explanation
    from ddpm_clip.reports.figures import Skipped

    target, parts = _target(context, request), list[dict[str, Any]]()
    names = chosen(request.analyses)
    yield from _untested(target)
    for one in explain_each(target, names, quick=request.quick):
        if isinstance(one, Explanation):
            parts.append(_told(context, one))
        elif isinstance(one, Skipped):
            parts.append(_skipped(one))
        else:
            yield step(len(parts), len(names))
            continue
        yield part(**parts[-1])
        yield step(len(parts), len(names))
    return {"prompt": target.prompt, "seeds": list(target.seeds), "analyses": parts}


def _as_painted(context: Context, request: ExplainRequest) -> ExplainRequest:
    assert request.picture is not None
    facts = parameters_of(context.picture(request.picture).data)
    worded = facts.get("mode") in (None, "img2img", "inpaint") and not facts.get("unconditional")
    same = {name: facts.get(name) for name in SAME}
    same["guidance"] = None if same["guidance"] is None else float(same["guidance"])
    own = {"prompt": facts.get("prompt") if worded else None, "seed": facts.get("seed", 0)}
    return request.model_copy(update=same | own)


def _target(context: Context, request: ExplainRequest) -> "AnalysisTarget":
    from ddpm_clip.config.limits import MAX_SEED
    from ddpm_clip.explain import target_of

    overrides = request.overrides()
    for name in ("n", "seed", "unconditional", "size"):
        del overrides[name]
    seeds = [(request.seed + i) % (MAX_SEED + 1) for i in range(SEEDS[request.quick])]
    return target_of(context.tti, request.prompt, seeds, **overrides)


def _untested(target: "AnalysisTarget") -> Generator[Event, None, None]:
    """Warn of what cannot be tested, before the work begins."""
    from ddpm_clip.explain.verdict.prerequisite import why_untested

    if target.judging is None or target.asked_class is None:
        known = ", ".join(target.classes[:20])
        more = f"; it knows {known}" if known else ""
        yield warning(f'Some analyses will end in "Not tested": {why_untested(target)}{more}.')


def _told(context: Context, found: "Explanation") -> dict[str, Any]:
    """Return an analysis for the page, its panels drawn and stored."""
    from ddpm_clip.explain.report.page import pictures_of

    drawn = zip(found.panels, pictures_of(found), strict=True)
    return {
        "name": found.name,
        "title": found.title,
        "question": found.caption,
        "verdict": found.verdict,
        "sentence": found.test,
        "seconds": round(found.seconds, 2),
        "panels": [_panel(context, panel, png) for panel, png in drawn],
    }


def _panel(context: Context, panel: "Panel", png: bytes | None) -> dict[str, Any]:
    """Return a panel: the URL of its picture, a text in its place, and the rows of a table."""
    from ddpm_clip.explain.panels.drawing import cell, draw
    from ddpm_clip.explain.panels.kinds import Table
    from ddpm_clip.utils.visualization import encoded_png

    kind = type(panel).__name__.lower()
    told: dict[str, Any] = {"title": panel.title, "note": panel.note, "kind": kind}
    if isinstance(panel, Table):
        rows = [[cell(one) for one in row] for row in panel.rows]
        told |= {"columns": list(panel.columns), "rows": rows}
    png = encoded_png(draw(panel)) if png is None else png
    size = png_size(png)
    url = context.pictures.add(png, size, context.owner).url
    alt = f"{panel.title}. {panel.note}".strip()
    return told | {"url": url, "alt": alt, "width": size[0], "height": size[1]}


def _skipped(one: "Skipped") -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.name.replace("_", " "),
        "question": "",
        "verdict": "inconclusive",
        "sentence": one.reason(),
        "panels": [],
        "skipped": one.reason(),
        "why": one.why,
        "fix": one.fix,
    }


EXPLAIN = JobKind(ExplainRequest, explain, checked)

"""Make an `AnalysisTarget` from a model and a prompt, with its judge and its embedder.

The judge is the one beside the model; without one, a CLIP classifies by the names of the classes.
Pictures are embedded by an independent CLIP, or, if there is none, by the one that conditions the
model.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.config.limits import checked_seeds, plain
from ddpm_clip.coverage.texts import meaningful
from ddpm_clip.embedders.prompts import checked_prompt
from ddpm_clip.embedders.texts import TextEmbeddings
from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.clip.similarity import INVERSE_TEMPERATURE
from ddpm_clip.evaluation.report.evaluators import find_judge, find_scorer
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.asked_for import Asked, asked_for
from ddpm_clip.explain.target.readers import Conditions, ImageReader, TextReader
from ddpm_clip.generation.settings import Settings
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.runs.pretrained import LoadedModel
from ddpm_clip.types import Denoiser, Embedder

SEEDS = 16
"""Default number of pictures."""

OTHERS = 9
"""Most suggested prompts from which a CLIP tells the explained one."""


Model = AnalysisTarget | TextToImage | LoadedModel | str
"""What `target_of` accepts as a model; a string is a name or a folder."""


@dataclass(frozen=True, slots=True)
class Readers:
    """The judge and the embedder of a model's pictures, each of which may be None.

    Attributes:
        asked: the attribute that is judged, with its values and the requested class.
        judging: the judge: pictures to class probabilities.
        embedding: embeds pictures.
        wording: embeds texts into the same space.
        about: facts for the report on who judges and who embeds.
    """

    asked: Asked
    judging: ImageReader | None
    embedding: ImageReader | None
    wording: TextReader | None
    about: Mapping[str, Any]


def target_of(
    model: Model,
    prompt: str | None = None,
    seeds: int | Sequence[int] = SEEDS,
    *,
    attribute: str | None = None,
    **overrides: Any,
) -> AnalysisTarget:
    """Return the target that the analyses work on.

    Args:
        model: a name or folder, a loaded model, or a target, of which a changed copy is made.
        prompt: the prompt to explain; None keeps that of a target.
        seeds: random seeds, one per picture; a number n means 0 to n - 1, and keeps the seeds of
            a target.
        attribute: the judge's attribute to follow; None takes the one that the prompt names.
        overrides: sampling settings to override, by the names of the fields of `Settings`.

    Raises:
        UsageError: there is no prompt, the model takes none, or a value is out of range.
        MissingInput: there is no such model.
    """
    if isinstance(model, AnalysisTarget):
        return _changed(model, prompt, seeds, overrides)
    if prompt is None:
        raise UsageError(
            "no prompt", "an explanation needs one", 'give one: "a six"', param="prompt"
        )
    tti = _painter(model)
    # explain the network's own walk, without the gradient of a CLIP
    settings = tti.settings(**{"clip_guidance": 0.0, **overrides})
    if settings.unconditional:
        raise UsageError(
            f"{tti.model.name} paints without a prompt", "there is no prompt to explain"
        )
    text, chosen = checked_prompt(prompt), tuple(checked_seeds(seeds))
    readers = readers_of(tti.model, text, attribute, tti.prompt_coverage.suggested)
    conditioning, limits = _worded(tti, settings)
    return AnalysisTarget(
        tti.model.name,
        text,
        chosen,
        cast(Denoiser, tti.model.network),
        tti.model.ddpm,
        settings,
        conditioning,
        readers.asked.attribute,
        readers.asked.classes,
        readers.asked.asked_class,
        readers.judging,
        readers.embedding,
        readers.wording,
        limits,
        tuple(tti.model.conditioner.prompts),
        tti.model.conditioner,
        tti.model,
        readers.about,
    )


def readers_of(
    model: LoadedModel,
    prompt: str,
    attribute: str | None = None,
    suggested: Callable[[], Sequence[str]] = tuple,
) -> Readers:
    """Find the judge and the embedder of a model, and the class that the prompt asks for.

    Args:
        model: the model.
        prompt: the prompt.
        attribute: the judge's attribute; None takes the one that the prompt names.
        suggested: makes prompts that the pictures cover, for a model of which nothing else is
            known: neither a judge, classes nor prompts.
    """
    scorer, clip = find_scorer(model), None
    if scorer.net is not None:
        clip, who = scorer.net.to(model.device), "a CLIP that did not condition the model"
    elif model.config.embedder.name != "labels":
        clip, who = model.embedder, "the CLIP that conditions the model"
    about: dict[str, Any] = {"embedded_by": who if clip is not None else None}
    words = None if clip is None else TextEmbeddings(clip.embed_texts)
    reader = None if clip is None else _unit(clip.embed_pixels)
    judge = find_judge(model)
    if judge is not None:
        net = judge.net.to(model.device)
        asked = asked_for(prompt, net.attributes, attribute)
        about |= {"judged_by": "the judge beside the model", "attribute": asked.attribute}
        return Readers(asked, _read(net, asked.attribute), reader, words, about)
    names = tuple(model.classes) or tuple(model.config.generation.prompts)
    if clip is None or reader is None or words is None:
        return Readers(Asked("", (), None), None, reader, words, about | {"judged_by": None})
    if len(names) < 2:
        return _zero_shot(clip, reader, words, prompt, suggested(), about)
    asked = asked_for(prompt, {"class": names}, attribute)
    about |= {"judged_by": f"{who}, by the names of the classes", "attribute": "class"}
    return Readers(asked, _by_names(reader, words(names), _heat(clip)), reader, words, about)


def _zero_shot(
    clip: Embedder,
    reader: ImageReader,
    words: TextEmbeddings,
    prompt: str,
    suggested: Sequence[str],
    about: dict[str, Any],
) -> Readers:
    """Let a CLIP tell the prompt from others that were suggested from the pictures."""
    own = meaningful(prompt)
    others = [text for text in suggested if own != meaningful(text)][:OTHERS]
    if not others or not own:
        return Readers(Asked("", (), None), None, reader, words, about | {"judged_by": None})
    names = (prompt, *others)
    about |= {
        "judged_by": f"{about['embedded_by']}, zero-shot: this prompt among {len(others)} others, "
        "suggested from the pictures because they have neither labels nor captions",
        "attribute": "prompt",
    }
    judging = _by_names(reader, words(names), _heat(clip))
    return Readers(Asked("prompt", names, 0), judging, reader, words, about)


def _heat(clip: Embedder) -> float:
    """Return the inverse temperature with which a CLIP compares cosines."""
    learned = getattr(clip, "inverse_temperature", None)
    return INVERSE_TEMPERATURE if learned is None else float(learned.detach())


def _painter(model: TextToImage | LoadedModel | str) -> TextToImage:
    if isinstance(model, TextToImage):
        return model
    return (
        TextToImage(model) if isinstance(model, LoadedModel) else TextToImage.from_pretrained(model)
    )


def _worded(tti: TextToImage, settings: Settings) -> tuple[Conditions, Conditions]:
    """Return how painting makes conditions from words, and how it limits their guidance."""

    def conditioning(prompts: Sequence[str], seeds: Sequence[int]) -> Tensor:
        return tti.conditions(prompts, settings, seeds)

    def limits(prompts: Sequence[str], seeds: Sequence[int]) -> Tensor:
        return tti.guidance_limits(prompts, settings, seeds)

    return conditioning, limits


def _changed(
    target: AnalysisTarget,
    prompt: str | None,
    seeds: int | Sequence[int],
    overrides: Mapping[str, Any],
) -> AnalysisTarget:
    """Return a target with another prompt or settings; a number of seeds keeps its own seeds."""
    changes: dict[str, Any] = {}
    if overrides:
        changes["settings"] = settings = target.settings.with_overrides(**overrides)
        if target.model is not None:  # the planted mixture knows no bridge
            worded = _worded(TextToImage(target.model), settings)
            changes["conditioning"], changes["limits"] = worded
    if not isinstance(plain(seeds), int):
        changes["seeds"] = tuple(checked_seeds(seeds))
    if prompt is not None and prompt != target.prompt:
        asked = asked_for(prompt, {target.attribute: target.classes}) if target.classes else None
        changes |= {"prompt": prompt, "asked_class": asked.asked_class if asked else None}
    return target.replace(**changes) if changes else target


def _read(net: Any, attribute: str) -> ImageReader:
    def judging(x: Tensor) -> Tensor:
        probs: Tensor = net.logits(x)[attribute].softmax(1)
        return probs

    return judging


def _unit(embed_pixels: Callable[[Tensor], Tensor]) -> ImageReader:
    def embedding(x: Tensor) -> Tensor:
        return F.normalize(embed_pixels(x).float(), dim=1)

    return embedding


def _by_names(reader: ImageReader, names: Tensor, inverse_temperature: float) -> ImageReader:
    """Return a CLIP as a judge, by zero-shot classification (Radford et al. 2021, sec. 3.1.2)."""

    def judging(x: Tensor) -> Tensor:
        e = reader(x)
        return (inverse_temperature * e @ names.to(e).T).softmax(1)

    return judging

"""How each line of the table in docs/errors.md is tried: in Python, and on the command line.

A requested value goes all the way to where painting, explaining or training would begin, and is
caught there; so an accepted value is also seen to arrive unchanged.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ddpm_clip.cli import edit_session as cli_editing
from ddpm_clip.cli import training_view
from ddpm_clip.cli.commands import evaluate as cli_evaluate
from ddpm_clip.cli.commands import explain as cli_explain
from ddpm_clip.config.limits import checked_whole
from ddpm_clip.config.resolve import resolve
from ddpm_clip.coverage.prompt_coverage import PromptCoverage
from ddpm_clip.editing import blend, img2img, inpaint, interpolate, open_mask, open_picture
from ddpm_clip.evaluation.report.plan import check_size
from ddpm_clip.explain import target_of
from ddpm_clip.explain.noise.vocabularies import words_of
from ddpm_clip.generation import files as painting
from ddpm_clip.generation.settings import Settings
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.training.loop import train
from ddpm_clip.training.prepare.preparation import prepare
from ddpm_clip.training.prepare.start import start_run
from ddpm_clip.utils.cpu_threads import command_threads
from ddpm_clip.utils.generators import finish

NAMES = frozenset(Settings.__dataclass_fields__)


class Workspace:
    """A tiny run of 16 x 16 pictures with T = 1000 and 40 pictures, a picture and a mask."""

    def __init__(self, tiny: Path, run: Path, folder: Path):
        self.tiny, self.run = tiny, run
        self.picture, self.mask = folder / "picture.png", folder / "mask.png"
        Image.new("RGB", (16, 16), "red").save(self.picture)
        Image.fromarray(np.tri(16, dtype=np.uint8) * 255).save(self.mask)

    @cached_property
    def tti(self) -> TextToImage:
        """The run's."""
        return TextToImage.from_pretrained(str(self.run))

    @cached_property
    def with_clip(self) -> TextToImage:
        """A model with a CLIP."""
        return TextToImage.from_pretrained("digits")


Try = Callable[[Workspace, Any], Any]
Words = Callable[[Workspace, Any, str], list[Any]]


@dataclass
class Trial:
    """How one setting is tried.

    Attributes:
        says: What the message of a refusal contains.
        python: Requests a value in Python.
        words: The command line that requests the same; None if there is no such option.
        number: Whether it is a number.
        real: Whether to do the work as well, instead of stopping where it would begin.
        setting: Where the value should arrive: a field of `Settings`, `w` or `prompt`.
        arrived: What arrived where the work would begin.
    """

    says: str
    python: Try
    words: Words | None = None
    number: bool = True
    real: bool = False
    setting: str = ""
    arrived: dict[str, Any] = field(default_factory=dict)

    def stop(self, monkeypatch: Any) -> None:
        """Catch the requested value where the work would begin."""
        self.arrived.clear()
        if self.real:
            return

        def paint_requests(tti: Any, requests: Any, settings: Settings, **_: Any) -> Any:
            self.note(settings, [request.prompt for request in requests[:1]])
            return []
            yield

        def paint_files(tti: Any, prompts: Any, settings: Settings, *_: Any, **__: Any) -> Any:
            self.note(settings, prompts)
            raise SystemExit(0)

        def finish(session: Any, *_: Any) -> None:
            self.note(session.settings, [])

        def leave(*_: Any, **__: Any) -> None:
            raise SystemExit(0)

        monkeypatch.setattr(TextToImage, "paint_requests", paint_requests)
        monkeypatch.setattr(painting, "paint_files", paint_files)
        monkeypatch.setattr(cli_editing.EditSession, "finish", finish)
        for place, name in (
            (cli_explain, "_explain"),
            (cli_evaluate, "_evaluate"),
            (training_view, "run_training"),
        ):
            monkeypatch.setattr(place, name, leave)
        monkeypatch.setattr(PromptCoverage, "coverage", property(leave))

    def note(self, settings: Settings, prompts: list[str]) -> None:
        """Record what arrived."""
        self.arrived |= {name: getattr(settings, name) for name in NAMES}
        self.arrived |= {"prompt": prompts[0]} if prompts else {}

    def check_arrived(self, value: Any) -> None:
        """Check that the requested value arrived unchanged."""
        if not self.setting or self.setting == "size" or value is None:
            return
        if self.setting in ("w", "guidance"):
            several = value if isinstance(value, list) else [value]
            value = [one + (self.setting == "w") for one in several]
        got = self.arrived["guidance" if self.setting == "w" else self.setting]
        assert (list(got) if isinstance(got, tuple) else got) == value


def typed(value: Any, written: str) -> str:
    """Return a value as typed on a command line."""
    if isinstance(value, str):
        return value
    return written.strip("[]").replace(" ", "") if isinstance(value, list) else written


def request(name: str, option: str | None = None, *, number: bool = True) -> Trial:
    """Try a setting; `option` is its option of `generate`."""

    def words(at: Workspace, value: Any, written: str) -> list[Any]:
        given = [] if value is None else [option, typed(value, written)]
        return ["generate", "rose", "--model", at.run, *given]

    return Trial(
        name,
        lambda at, value: at.tti("rose", **{name: value}),
        words if option else None,
        number,
        setting=name,
    )


def key(name: str, real: bool = False, says: str = "") -> Trial:
    """Try a config key: start a run with it and, if `real`, train for one step."""
    assignments = (["training.steps=1"] if real else []) + ["training.sample_every=0"]

    def said(value: Any, written: str) -> list[str]:
        text = {"NaN": ".nan", "Infinity": ".inf"}.get(written, written)
        return [*assignments, f"{name}={text}"]

    def begin(at: Workspace, value: Any) -> None:
        text = {"nan": "NaN", "inf": "Infinity"}.get(str(value), str(value))
        config, _ = resolve(file=at.tiny, assignments=said(value, text), environ={})
        run = start_run(Path("run"), config)
        if real:
            with run.writing():
                list(train(run, finish(prepare(run))))

    def words(at: Workspace, value: Any, written: str) -> list[Any]:
        sets = [word for one in said(value, written) for word in ("--set", one)]
        return ["-q", "train", "--config", at.tiny, "--out", "run", *sets]

    return Trial(says or name, begin, words, real=real)


def _img2img(at: Workspace, strength: float) -> None:
    picture = open_picture(at.picture, at.tti.model)
    finish(img2img(at.tti, picture, "rose", at.tti.settings(), strength=strength))


def _inpaint(at: Workspace, rounds: int) -> None:
    picture = open_picture(at.picture, at.tti.model)
    mask = open_mask(at.mask, picture, at.tti.model)
    finish(inpaint(at.tti, picture, mask, "rose", at.tti.settings(), rounds=rounds))


def _ask(at: Workspace, k: int) -> None:
    try:
        at.tti.prompt_coverage.ask("rose", k)
    except SystemExit:  # where the answer would be looked for
        return


def _threads(at: Workspace, count: int) -> None:
    with command_threads(checked_whole("threads", count)):
        assert torch.get_num_threads() == count


def _blend(at: Workspace, value: list[float]) -> None:
    ideas = list(zip(("rose", "tulip"), value, strict=True))
    finish(blend(at.tti, ideas, at.tti.settings()))


def _parts(at: Workspace, value: Any, written: str) -> list[Any]:
    weights = zip(("rose", "tulip"), typed(value, written).split(","), strict=True)
    return ["blend", *(f"{idea}:{weight}" for idea, weight in weights), "--model", at.run]


def _unknown_key(at: Workspace, value: str) -> None:
    resolve(file=at.tiny, assignments=[f"{value}=1"], environ={})


def on(*words: Any, option: str) -> Words:
    """Return the words of a command on the tiny run, with one option."""

    def line(at: Workspace, value: Any, written: str) -> list[Any]:
        return [
            *(word(at) if callable(word) else word for word in words),
            option,
            typed(value, written),
        ]

    return line


RUN, PICTURE, MASK = (lambda at: at.run), (lambda at: at.picture), (lambda at: at.mask)

TRIALS = {
    "`prompt`": Trial("prompt", lambda at, value: at.tti(value),
                      lambda at, value, _: ["generate", value, "--model", at.run], False,
                      setting="prompt"),
    "`prompt`, longer than the CLIP can read": Trial(
        "prompt", lambda at, value: at.with_clip(value, steps=1),
        lambda at, value, _: ["generate", value, "-n", 1, "--steps", 1, "--model", "digits"],
        False, real=True),
    "`negative`": request("negative", "--negative", number=False),
    "`seed`": request("seed", "--seed"),
    "`n`": request("n", "-n"),
    "`n` of `evaluate`": Trial("n", lambda at, value: check_size(value, None),
                               on("evaluate", RUN, option="-n")),
    "`minutes`": Trial("minutes", lambda at, value: check_size(None, value),
                       on("evaluate", RUN, option="--minutes")),
    "`steps` of a model with T = 1000": request("steps", "--steps"),
    "`w`": request("w", "--w"),
    "`guidance`": request("guidance", "--guidance"),
    "`w` together with `guidance`": Trial(
        "guidance and w", lambda at, value: at.tti("rose", w=value, guidance=value),
        on("generate", "rose", "--model", RUN, "--guidance", 2, option="--w")),
    "`size` of a model of 16 x 16": request("size", "--size", number=False),
    "`batch`": request("batch"),
    "`sampler`": request("sampler", "--sampler", number=False),
    "`bridge`": request("bridge", "--bridge", number=False),
    "`clamp`": request("clamp"),
    "`rescale`": request("rescale"),
    "`interval`": request("interval"),
    "`unconditional`": request("unconditional"),
    "`bounded`": request("bounded"),
    "`clip_guidance`": request("clip_guidance", "--clip-guidance"),
    "`clip_interval`": request("clip_interval"),
    "`clip_travel`": request("clip_travel", "--clip-travel"),
    "`clip_views`": request("clip_views"),
    "`strength`": Trial("strength", _img2img,
                        on("img2img", PICTURE, "rose", "--model", RUN, option="--strength")),
    "`frames`": Trial(
        "frames",
        lambda at, value: finish(
            interpolate(at.tti, "rose", "tulip", at.tti.settings(), frames=value)),
        on("interpolate", "rose", "tulip", "--model", RUN, option="--frames")),
    "`rounds`": Trial("rounds", _inpaint,
                      on("inpaint", PICTURE, "rose", "--mask", MASK, "--model", RUN,
                         option="--rounds")),
    "`weights`": Trial("weights", _blend, _parts),
    "`seeds` of `explain`": Trial("seed", lambda at, value: target_of(at.tti, "rose", value),
                                  on("explain", RUN, "rose", option="--seeds")),
    "`words` of `explain`": Trial("words", lambda at, value: words_of(value),
                                  on("explain", RUN, "rose", option="--words")),
    "`k` of `ask`": Trial("k", _ask, on("ask", RUN, "rose", option="-k")),
    "`threads`": Trial("threads", _threads,
                       on("generate", "rose", "--model", RUN, option="--threads")),
    "an unknown setting or option": Trial(
        "", lambda at, value: at.tti("rose", **{value: 1}),
        lambda at, value, _: ["generate", "rose", f"--{value}", 1], False),
    "an unknown key": Trial(
        "unknown config key", _unknown_key,
        lambda at, value, _: ["train", "--config", at.tiny, "--set", f"{value}=1"], False),
    "`training.batch_size` with 40 pictures": key("training.batch_size", real=True),
    "`training.lr`": key("training.lr", real=True),
    "`training.epochs`": key("training.epochs", real=True),
    "`training.steps`": key("training.steps", real=True),
    "`diffusion.timesteps`": key("diffusion.timesteps"),
    "`diffusion.beta_start`": key("diffusion.beta_start", says="diffusion.beta"),
    "`diffusion.beta_end`": key("diffusion.beta_end", says="diffusion.beta"),
    "`conditioning.c_drop_prob`": key("conditioning.c_drop_prob"),
}  # fmt: skip

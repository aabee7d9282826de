"""The models that are served, by id; each is opened once, by the worker.

Clients choose among them by id. No request can name a folder, so none can open another model.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddpm_clip.errors import MissingInput
from ddpm_clip.registry import unknown_name

if TYPE_CHECKING:
    from ddpm_clip.config.schema import Config
    from ddpm_clip.generation.settings import Settings
    from ddpm_clip.generation.text_to_image import TextToImage

log = logging.getLogger(__name__)

EXAMPLES = 8
"""Most example prompts of a model."""


@dataclass
class ServedModel:
    """A model that clients may choose.

    Attributes:
        place: Its name or folder, as it was given on the command line; no client sees it.
        config: Its config, once it was read.
        about: Its card's title and description.
        tti: The opened model.
        examples: Prompts that its pictures cover well, once it is open.
        failed: Whether it could not be opened; the log says why.
    """

    place: str
    config: "Config | None" = None
    about: dict[str, str] = field(default_factory=dict)
    tti: "TextToImage | None" = None
    examples: list[str] = field(default_factory=list)
    failed: bool = False


class Models:
    """Models by id; the first is the default.

    Args:
        places: Shipped names, runs or folders of packed models.
        device: As for `TextToImage.from_pretrained`.
    """

    def __init__(self, places: Sequence[str], device: str = "auto"):
        self.device = device
        self._models: dict[str, ServedModel] = {}
        self._lock = threading.RLock()
        for place in places:
            self.add(place)

    @classmethod
    def of(cls, **opened: "TextToImage") -> "Models":
        """Serve models that are open already, by id."""
        models = cls(())
        for id, tti in opened.items():
            models._models[id] = ServedModel(id, tti.model.config, {"title": id}, tti)
        return models

    def add(self, place: str) -> str:
        """Serve one more model; return its id, which is the name of its folder."""
        with self._lock:
            name = Path(place).resolve().name if Path(place).exists() else Path(place).name
            id, number = name, 2
            while id in self._models:
                id, number = f"{name}-{number}", number + 1
            self._models[id] = ServedModel(place)
            return id

    def reopen(self, place: str) -> str:
        """Serve a model, or if it is served already, as it is on disk now; return its id."""
        with self._lock:
            for id, model in self._models.items():
                if model.place == place:
                    self._models[id] = ServedModel(place)
                    return id
            return self.add(place)

    @property
    def ids(self) -> list[str]:
        """The ids, the default first."""
        return list(self._models)

    @property
    def default(self) -> str:
        """Id of the model that paints if a request names none."""
        return self.ids[0]

    def checked(self, id: Any) -> str:
        """Return an id if there is such a model; None is the default.

        Raises:
            MissingInput: There is none.
        """
        if id is None:
            return self.default
        if not isinstance(id, str) or id not in self._models:
            error = unknown_name("model", id, self._models)
            raise MissingInput(error.what, error.why, error.fix, param="model")
        return id

    def opened(self, id: str) -> "TextToImage":
        """Return a model, opened now if it is the first use.

        Raises:
            DdpmClipError: It cannot be opened.
        """
        from ddpm_clip.generation.text_to_image import TextToImage

        with self._lock:
            model = self._models[id]
            if model.tti is None:
                tti = TextToImage.from_pretrained(model.place, self.device)
                model.config, model.examples = tti.model.config, _examples(tti)
                model.tti = tti  # last, because it counts as open from now on
            return model.tti

    def open_all(self, wanted: Callable[[], bool] = lambda: True) -> None:
        """Open every model; one that cannot be opened fails its own jobs only.

        Args:
            wanted: Asked before each model; once it is false, no further one is opened.
        """
        for id, model in list(self._models.items()):
            if not wanted():
                return
            try:
                self.opened(id)
            except Exception as error:  # files of a model may be damaged in any way
                log.error("cannot open the model %s", id, exc_info=error)
                model.failed = True

    def check(self) -> None:
        """Raise a `MissingInput` if there is no such model; nothing is opened."""
        from ddpm_clip.runs.finding import find

        for model in self._models.values():
            find(model.place)

    @property
    def ready(self) -> bool:
        """Whether every model is open."""
        return all(model.tti is not None for model in self._models.values())

    def is_open(self, id: str) -> bool:
        """Whether a model is open."""
        return self._models[id].tti is not None

    def config(self, id: str) -> "Config":
        """Return the config of a model, without opening it.

        Raises:
            DdpmClipError: It cannot be read.
        """
        model = self._models[id]
        if model.config is None:
            self._describe(model)
        assert model.config is not None
        return model.config

    def settings(self, id: str, **overrides: Any) -> "Settings":
        """Return a model's settings with some replaced, validated; the model need not be open.

        Raises:
            UsageError: A value is invalid, or the model cannot do it.
        """
        from ddpm_clip.generation.few_call import checked_few_call
        from ddpm_clip.generation.settings import settings_of
        from ddpm_clip.utils.resizing import Size

        config = self.config(id)
        size = str(Size.of(config.data.image_size))
        settings = settings_of(config.generation, config.diffusion.timesteps, size, **overrides)
        return checked_few_call(config, settings, overrides)

    def facts(self, id: str) -> dict[str, Any]:
        """Return what a client may know of a model; no path is in it."""
        from ddpm_clip.conditioning.bridges import BRIDGES
        from ddpm_clip.config.limits import NUMBERS
        from ddpm_clip.diffusion.samplers import OF_DISTILLED, SAMPLERS
        from ddpm_clip.editing import EDITS

        config, model = self.config(id), self._models[id]
        few, limits = bool(config.distillation.calls), NUMBERS["guidance"]
        low, high = config.distillation.scales if few else (limits.low, limits.high)
        own = config.generation.sampler
        samplers = [own] if few else [name for name in SAMPLERS if name not in OF_DISTILLED]
        bridges = list(BRIDGES) if model.tti is None else model.tti.model.conditioner.bridges
        return {
            "id": id,
            "title": model.about.get("title", id),
            "description": model.about.get("description", ""),
            "image_size": list(config.data.image_size),
            "channels": config.data.channels,
            "steps_default": config.generation.steps,
            "steps_max": config.distillation.calls or config.diffusion.timesteps,
            "guidance_default": config.generation.guidance,
            "guidance_min": low,
            "guidance_max": high,
            "samplers": samplers,
            "sampler_default": config.generation.sampler,
            "bridges": bridges,
            "bridge_default": config.conditioning.bridge,
            "few_call": few,
            "unconditional": config.generation.unconditional,
            "prompts": model.examples or list(dict.fromkeys(config.generation.prompts))[:EXAMPLES],
            "edits": [name for name, edit in EDITS.items() if not (few and edit.many_steps)],
            "teacher": self._teacher(config) if few else None,
            "loaded": model.tti is not None,
        }

    def _teacher(self, config: "Config") -> str | None:
        """Return the id of the model that a few-call model was distilled from, if it is served."""
        teacher = config.distillation.teacher
        for id, model in self._models.items():
            if teacher and Path(model.place).resolve() == Path(teacher).resolve():
                return id
        return None

    def _describe(self, model: ServedModel) -> None:
        """Read the small files of a model."""
        from ddpm_clip.config.schema import Config
        from ddpm_clip.runs.pretrained import describe

        facts = describe(model.place)
        card = facts["card"]
        model.about = {name: str(card[name]) for name in ("title", "description") if card.get(name)}
        model.config = Config.model_validate(facts["config"])


def _examples(tti: "TextToImage") -> list[str]:
    """Return prompts that the pictures of a model cover well; [] if that is not known."""
    return [] if tti.prompt_coverage.silent else tti.prompt_coverage.suggested(EXAMPLES)

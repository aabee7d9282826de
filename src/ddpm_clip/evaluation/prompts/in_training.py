"""Prompt success while a model is trained: the newest checkpoint paints, a judge reads.

It costs the painting of `PICTURES` pictures: with 20 steps and guidance about 4,000 evaluations of
the network, as much as 20 training steps of 64 pictures.
"""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddpm_clip.config.schema import Config
from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.judge.network import FOLDER, JudgeNet
from ddpm_clip.evaluation.prompts.cases import cases_of, fewer
from ddpm_clip.evaluation.prompts.success import PromptCase, prompt_success
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.runs import history
from ddpm_clip.runs.run import Run
from ddpm_clip.types import Progress
from ddpm_clip.utils.resizing import Size
from ddpm_clip.weights import shipped_folder, shipped_names

PICTURES = 100
"""Pictures of one measurement; 95 % intervals are up to 10 points to either side."""


@dataclass(frozen=True, slots=True)
class SuccessMeter:
    """A judge, and the prompts that it can read."""

    judge: JudgeNet
    name: str
    cases: tuple[PromptCase, ...]

    @classmethod
    def of(cls, config: Config) -> "SuccessMeter | None":
        """Return the meter of a config; None if `training.success_every` is 0.

        The judge is `training.judge`, or that of the shipped model whose words the run uses.

        Raises:
            UsageError: there is no judge, or it reads pictures of another shape.
        """
        if not config.training.success_every:
            return None
        name = config.training.judge or _shipped_like(config)
        folder = None if name is None else _judge_folder(name)
        if name is None or folder is None:
            raise UsageError(
                "success cannot be measured without a judge",
                "training.success_every is set, and no judge is known for these pictures",
                "name one: --set training.judge=FOLDER; or leave out training.success_every",
                param="training.judge",
            )
        judge = JudgeNet.load(folder)
        ours = (config.data.channels, *Size.of(config.data.image_size))
        if tuple(judge.image_shape) != ours:
            raise UsageError(
                f"the judge {name} does not fit the pictures",
                f"it reads {tuple(judge.image_shape)} (channels, height, width), not {ours}",
                "name another judge, or --set training.success_every=0",
                param="training.judge",
            )
        plain = config.embedder.name == "labels"
        cases = cases_of(judge.attributes, plain=plain)
        return cls(judge, name, tuple(fewer(cases, PICTURES)))

    def measure(self, run: Run, step: int) -> Generator[Progress, None, dict[str, Any]]:
        """Paint with the newest checkpoint and count; append the row to the run's success.jsonl.

        Returns:
            `step`, `n`, `share` of pictures that show what was asked for, `low` and `high` of its
            95 % interval, and the name of the judge.
        """
        tti = TextToImage.from_pretrained(str(run.folder), run.config.training.device)
        n = max(1, PICTURES // len(self.cases))
        table = yield from prompt_success(tti, self.judge, self.cases, n)
        low, high = table.total.interval
        row = {
            "step": step,
            "n": table.total.n,
            "share": table.total.share,
            "low": low,
            "high": high,
            "judge": self.name,
        }
        history.append_rows(run.folder / history.SUCCESS, [row])
        return row


def _shipped_like(config: Config) -> str | None:
    """Return the shipped model whose mini-CLIP the run uses; None if it uses another embedder."""
    return config.embedder.model if config.embedder.model in shipped_names() else None


def _judge_folder(name: str) -> Path | None:
    root = shipped_folder(name) or Path(name)
    inner = root / FOLDER
    found = inner if inner.is_dir() else root
    return found if found.is_dir() else None

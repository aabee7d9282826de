"""The judge: a small classifier that reads pictures, one head per attribute.

It shares nothing with the models that it judges: plain convolutions with batch normalisation
(the mini-CLIP has strided convolutions and group normalisation), another seed, labels instead of
captions. Only the evaluation uses it. It rejects a picture if its confidence is below the one that
99 % of real pictures reach, so that blobs do not count as digits. Knows nothing of prompts: it
never learns what a picture should show.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from ddpm_clip.errors import DataError, MissingInput, UsageError
from ddpm_clip.utils.resizing import AnySize, Size
from ddpm_clip.utils.storage import write_text
from ddpm_clip.utils.tensors import check_weights, load_tensors, save_tensors
from ddpm_clip.utils.untrusted import read_object

WEIGHTS, CARD = "judge.safetensors", "judge.json"
FOLDER = "judge"
"""Folder of the judge in a shipped model."""

FEATURES = 128
"""Size of the feature layer before the heads."""


@dataclass(frozen=True, slots=True, eq=False)
class JudgeReading:
    """What a judge reads for one attribute."""

    labels: list[str]  # (b,) the most likely value of each picture
    probs: Tensor  # (b, k) probabilities, in the order of the attribute's values


class JudgeNet(nn.Module):
    """Six convolutions in three levels, one linear head per attribute (`ddpm_clip.types.Judge`).

    Args:
        attributes: the values of each attribute; the first attribute gives `classes` and decides
            on rejection.
        img_ch: channels of the pictures.
        img_size: side of the pictures in pixels, or (height, width); at least 8.
        width: channels of the first level; 32 makes about 1 MB in float16.
        dropout: dropout probability before the heads; a third of it after each level.
    """

    def __init__(
        self,
        attributes: Mapping[str, Sequence[str]],
        img_ch: int,
        img_size: AnySize,
        width: int = 32,
        dropout: float = 0.3,
    ):
        super().__init__()
        size = Size.of(img_size)
        if not attributes or min(size) < 8:
            raise UsageError(
                f"cannot make a judge of {len(attributes)} attributes for {size} pixels",
                "it needs at least one attribute, and pictures of at least 8 x 8 pixels",
            )
        self.attributes = {name: tuple(values) for name, values in attributes.items()}
        self.classes = next(iter(self.attributes.values()))
        self.options = {
            "img_ch": img_ch,
            "img_size": size.plain,
            "width": width,
            "dropout": dropout,
        }
        self.image_shape = (img_ch, *size)
        self.threshold = 0.0  # smallest confidence in the first attribute without rejection
        self.card: dict[str, Any] = {}
        chs, cells = (img_ch, width, 2 * width, 4 * width), [min(4, side // 8) for side in size]
        levels = [nn.Sequential(nn.BatchNorm2d(img_ch, affine=False))]  # standardises the pictures
        levels += [_level(ch_in, ch, dropout / 3) for ch_in, ch in pairwise(chs)]
        self.trunk = nn.Sequential(
            *levels,
            nn.AdaptiveAvgPool2d(tuple(cells)),
            nn.Flatten(),
            nn.Linear(chs[-1] * math.prod(cells), FEATURES, bias=False),
            nn.BatchNorm1d(FEATURES),
            nn.ReLU(),
        )
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleList(
            nn.Linear(FEATURES, len(values)) for values in self.attributes.values()
        )

    def features(self, x: Tensor) -> Tensor:
        """Return the features (b, 128), not negative, of x (b, c, h, w) in [-1, 1].

        Raises:
            UsageError: the pictures have another shape than this judge reads.
        """
        if x.ndim != 4 or tuple(x.shape[1:]) != self.image_shape:
            raise UsageError(
                f"pictures of shape {tuple(x.shape[1:])} for a judge of {self.image_shape}",
                "a judge reads only the shape that it was trained on",
            )
        return self.trunk(x)  # type: ignore[no-any-return]

    def logits(self, x: Tensor) -> dict[str, Tensor]:
        """Return the logits (b, k) of each attribute, with gradients."""
        features = self.dropout(self.features(x))
        return {
            name: head(features) for name, head in zip(self.attributes, self.heads, strict=True)
        }

    @torch.no_grad()
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the probabilities (b, k) of `classes`, and rejected (b,) bool; x in [-1, 1]."""
        probs = next(iter(self.logits(x).values())).softmax(1)
        return probs, probs.amax(1) < self.threshold

    @torch.no_grad()
    def read(self, x: Tensor) -> dict[str, JudgeReading]:
        """Read each picture of x (b, c, h, w) in [-1, 1], attribute by attribute."""
        readings = {}
        for name, logits in self.logits(x).items():
            values = self.attributes[name]
            labels = [values[i] for i in logits.argmax(1).tolist()]
            readings[name] = JudgeReading(labels, logits.softmax(1))
        return readings

    def save(self, folder: str | Path, card: Mapping[str, Any]) -> None:
        """Write the weights (float16), the attributes and the facts of the training."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        halved = {k: v.half() if v.is_floating_point() else v for k, v in self.state_dict().items()}
        save_tensors(folder / WEIGHTS, halved)
        facts = {
            "format": 1,
            "attributes": self.attributes,
            "options": self.options,
            "threshold": self.threshold,
            "card": dict(card),
        }
        write_text(folder / CARD, json.dumps(facts, indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Load a judge from a folder that `save` wrote, in eval mode.

        Raises:
            MissingInput: there is no judge.
            DataError: its files are damaged or do not match.
        """
        folder = Path(folder)
        for name in (CARD, WEIGHTS):
            if not (folder / name).is_file():
                raise MissingInput(
                    f"no judge in {folder}",
                    f"{name} is missing",
                    "train one: scripts/train_judge.py --out FOLDER",
                )
        try:
            facts, weights = read_object(folder / CARD), load_tensors(folder / WEIGHTS)
            make = partial(cls, facts["attributes"], **facts["options"])
            check_weights(make, weights)  # before building: the card could name any size
            judge = make()
            judge.load_state_dict(weights)
            judge.threshold, judge.card = float(facts["threshold"]), dict(facts["card"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
            raise DataError(f"the judge in {folder} is damaged", str(error)[:200]) from error
        return judge.eval()


def shipped_judge_folder(name: str) -> Path:
    """Return the folder for the judge of a shipped model; it need not exist."""
    return Path(str(files("ddpm_clip.weights"))) / name / FOLDER


def _level(ch_in: int, ch: int, dropout: float) -> nn.Sequential:
    """Return two convolutions at one resolution, then pooling to half of it."""
    return nn.Sequential(
        nn.Conv2d(ch_in, ch, 3, padding=1, bias=False),
        nn.BatchNorm2d(ch),
        nn.ReLU(),
        nn.Conv2d(ch, ch, 3, padding=1, bias=False),
        nn.BatchNorm2d(ch),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout2d(dropout),
    )

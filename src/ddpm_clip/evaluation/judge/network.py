"""The judge: a small network that reads pictures back, attribute by attribute.

It shares nothing with the models that it judges: plain convolutions with batch normalisation
(the mini-CLIP strides and uses group normalisation), another seed, labels instead of captions.
Nothing but evaluation uses it. Below a confidence that 99 % of real pictures reach it rejects a
picture instead of naming it, so that blobs do not count as digits. Knows nothing of training,
prompts or diffusion.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ddpm_clip.errors import DataError, MissingInput, UsageError
from ddpm_clip.utils.storage import write_text
from ddpm_clip.utils.tensors import check_weights, load_tensors, save_tensors
from ddpm_clip.utils.untrusted import read_object

WEIGHTS, CARD = "judge.safetensors", "judge.json"
FOLDER = "judge"
"""Where a shipped model keeps its judge."""

FEATURES = 128
"""Size of the last layer before the heads."""


@dataclass(frozen=True, slots=True, eq=False)
class JudgeReading:
    """What a judge reads of one attribute."""

    labels: list[str]  # (b,) the likeliest value of each picture
    probs: Tensor  # (b, k), in the order of the attribute's values


class JudgeNet(nn.Module):
    """Six convolutions in three levels, one linear head an attribute (`ddpm_clip.types.Judge`).

    Args:
        attributes: the values of each attribute; the first attribute is the one of `classes` and
            of rejection.
        img_ch: channels of the pictures.
        img_size: side of the pictures, at least 8.
        width: channels of the first level; 32 makes about 1 MB in fp16.
        dropout: share of features dropped before the heads, a third of it after each level.
    """

    def __init__(
        self,
        attributes: Mapping[str, Sequence[str]],
        img_ch: int,
        img_size: int,
        width: int = 32,
        dropout: float = 0.3,
    ):
        super().__init__()
        if not attributes or img_size < 8:
            raise UsageError(
                f"no judge of {len(attributes)} attributes for {img_size} pixels",
                "it needs one attribute and 8 pixels at least",
            )
        self.attributes = {name: tuple(values) for name, values in attributes.items()}
        self.classes = next(iter(self.attributes.values()))
        self.options = {"img_ch": img_ch, "img_size": img_size, "width": width, "dropout": dropout}
        self.threshold = 0.0  # the least confidence in the first attribute
        self.card: dict[str, Any] = {}
        chs, side = (img_ch, width, 2 * width, 4 * width), min(4, img_size // 8)
        levels = [nn.Sequential(nn.BatchNorm2d(img_ch, affine=False))]  # the pictures' own scale
        levels += [_level(ch_in, ch, dropout / 3) for ch_in, ch in pairwise(chs)]
        self.trunk = nn.Sequential(
            *levels,
            nn.AdaptiveAvgPool2d(side),
            nn.Flatten(),
            nn.Linear(chs[-1] * side**2, FEATURES, bias=False),
            nn.BatchNorm1d(FEATURES),
            nn.ReLU(),
        )
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleList(
            nn.Linear(FEATURES, len(values)) for values in self.attributes.values()
        )

    def features(self, x: Tensor) -> Tensor:
        """(b, 128), not negative, from x (b, c, h, w) in [-1, 1].

        Raises:
            UsageError: pictures of another shape than this judge reads.
        """
        img_ch, size = self.options["img_ch"], self.options["img_size"]
        if x.ndim != 4 or tuple(x.shape[1:]) != (img_ch, size, size):
            raise UsageError(
                f"pictures of shape {tuple(x.shape[1:])} for a judge of {(img_ch, size, size)}",
                "it reads only the shape that it was trained on",
            )
        return self.trunk(x)  # type: ignore[no-any-return]

    def logits(self, x: Tensor) -> dict[str, Tensor]:
        """(b, k) of each attribute, with gradients."""
        features = self.dropout(self.features(x))
        return {
            name: head(features) for name, head in zip(self.attributes, self.heads, strict=True)
        }

    @torch.no_grad()
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities (b, k) of `classes`, and rejected (b,) bool, of x in [-1, 1]."""
        probs = next(iter(self.logits(x).values())).softmax(1)
        return probs, probs.amax(1) < self.threshold

    @torch.no_grad()
    def read(self, x: Tensor) -> dict[str, JudgeReading]:
        """What stands in each picture of x (b, c, h, w), attribute by attribute."""
        readings = {}
        for name, logits in self.logits(x).items():
            values = self.attributes[name]
            labels = [values[i] for i in logits.argmax(1).tolist()]
            readings[name] = JudgeReading(labels, logits.softmax(1))
        return readings

    def save(self, folder: str | Path, card: Mapping[str, Any]) -> None:
        """Write the weights (fp16), the attributes and what is known of the training."""
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
    def load(cls, folder: str | Path) -> "JudgeNet":
        """Open a folder that `save` wrote, ready to judge.

        Raises:
            MissingInput: there is none. DataError: its files do not fit together.
        """
        folder = Path(folder)
        for name in (CARD, WEIGHTS):
            if not (folder / name).is_file():
                raise MissingInput(
                    f"no judge in {folder}",
                    f"{name} is not there",
                    "train one: scripts/train_judge.py --out FOLDER",
                )
        try:
            facts, weights = read_object(folder / CARD), load_tensors(folder / WEIGHTS)
            make = partial(cls, facts["attributes"], **facts["options"])
            check_weights(make, weights)  # the card may ask for a network of any size
            judge = make()
            judge.load_state_dict(weights)
            judge.threshold, judge.card = float(facts["threshold"]), dict(facts["card"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
            raise DataError(f"the judge in {folder} is damaged", str(error)[:200]) from error
        return judge.eval()


def shipped_judge_folder(name: str) -> Path:
    """Where the judge of a shipped model lies, whether or not it is there."""
    return Path(str(files("ddpm_clip.weights"))) / name / FOLDER


def _level(ch_in: int, ch: int, dropout: float) -> nn.Sequential:
    """Two convolutions at one resolution, then half of it."""
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

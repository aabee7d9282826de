"""What a student hands in: weights, and a card that says how to rebuild the network.

    submission/weights.safetensors   float16
    submission/card.json             sizes of the network, guidance weight, bridge

Nothing in it is executed, and the judge takes nothing from it but these.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor, nn

from ddpm_clip.errors import DataError, MissingInput, StorageError, UsageError
from ddpm_clip.models.unet import UNet
from ddpm_clip.runs.pretrained import weights_fingerprint
from ddpm_clip.utils.storage import write_text
from ddpm_clip.utils.tensors import check_weights, load_tensors, save_tensors
from ddpm_clip.utils.untrusted import read_object

FOLDER = Path("submission")
WEIGHTS, CARD = "weights.safetensors", "card.json"
SIDE, IMG_CH = 28, 1

Channels = Annotated[int, Field(ge=16, le=256, multiple_of=16)]


class SubmissionCard(BaseModel):
    """What the judge needs to know beside the weights.

    Attributes:
        data: what the network was trained on.
        timesteps: T of the cosine schedule.
        channels: of each level of the U-Net.
        blocks: residual blocks per level.
        stem: space-to-depth factor before the first level.
        attention: self-attention in levels at most this wide; 0 is none.
        w: guidance weight, as in exercise 6.7.
        bridge: carries texts to conditions.
        own: tasks whose functions are the student's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Literal["painted", "MNIST"]
    timesteps: int = Field(default=250, ge=20, le=1000)
    channels: tuple[Channels, ...] = Field(default=(32, 64, 128), min_length=1, max_length=4)
    blocks: int = Field(default=1, ge=1, le=3)
    stem: Literal[1, 2, 4] = 2
    attention: int = Field(default=4, ge=0, le=28)
    w: float = Field(ge=-1, le=20)
    bridge: Literal["identity", "shift", "noise", "knn"]
    own: tuple[str, ...] = Field(default=(), max_length=7)

    def network(self, width: int) -> UNet:
        """Return an untrained network of v for conditions of this width."""
        return UNet(
            self.timesteps,
            IMG_CH,
            SIDE,
            self.channels,
            128,
            width,
            blocks=self.blocks,
            stem=self.stem,
            attention=self.attention,
        )


def submit(network: nn.Module, card: SubmissionCard, folder: Path = FOLDER) -> Path:
    """Write a submission, over an earlier one.

    Args:
        network: the trained network, made by `card.network`.
        card: how to rebuild it, and how to paint with it.
        folder: where to write.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    halved = {name: value.detach().half() for name, value in network.state_dict().items()}
    save_tensors(folder / WEIGHTS, halved)
    write_text(folder / CARD, card.model_dump_json(indent=1) + "\n")
    return folder


@dataclass(frozen=True, slots=True, eq=False)
class Submission:
    """A submission that has been read.

    Attributes:
        card: its card.
        weights: by the names of the network, float32.
    """

    card: SubmissionCard
    weights: dict[str, Tensor]

    @classmethod
    def open(cls, folder: Path = FOLDER) -> "Submission":
        """Read a submission.

        Raises:
            MissingInput: there is none.
            StorageError: a file is damaged.
            DataError: the card says what it must not, or weights are not finite.
        """
        if not (folder / CARD).is_file() or not (folder / WEIGHTS).is_file():
            raise MissingInput(
                f"no submission in {folder}", fix="run lesson 06 to its end: it writes one"
            )
        try:
            facts, tensors = read_object(folder / CARD), load_tensors(folder / WEIGHTS)
        except (OSError, ValueError) as error:
            raise StorageError(
                f"cannot read the submission in {folder}", str(error)[:200]
            ) from error
        weights = {name: value.float() for name, value in tensors.items()}
        if not all(bool(value.isfinite().all()) for value in weights.values()):
            raise DataError(
                "the weights hold NaN or infinite values", fix="train again with a lower rate"
            )
        return cls(_card_of(facts), weights)

    def network(self, width: int) -> UNet:
        """Return the network with these weights.

        Raises:
            DataError: the weights are not those of the network that the card describes.
        """
        try:
            check_weights(lambda: self.card.network(width), self.weights)
        except (ValueError, UsageError) as error:
            raise DataError(
                "the weights do not fit the network that the card describes",
                str(error)[:300],
                "build it with card.network, train it, and hand in the same card",
            ) from error
        network = self.card.network(width)
        network.load_state_dict(self.weights)
        return network.eval()

    @property
    def fingerprint(self) -> str:
        """16 hex digits of a hash of the weights."""
        return weights_fingerprint(self.weights)

    def seeds(self, n: int) -> list[int]:
        """Return n random seeds that follow from weights and card, so that nobody chooses them."""
        text = self.fingerprint + self.card.model_dump_json()
        first = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
        return list(range(first, first + n))


def _card_of(facts: dict[str, object]) -> SubmissionCard:
    try:
        return SubmissionCard.model_validate(facts)
    except ValidationError as error:
        wrong = error.errors()[0]
        at = ".".join(str(part) for part in wrong["loc"]) or "the card"
        raise DataError(f"{CARD}: {at} cannot be used", wrong["msg"], "hand in again") from error

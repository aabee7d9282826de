"""Protocols and shared dataclasses: the words in which the floors talk to each other.

Shape letters, used in comments everywhere:
    b batch, c h w channels height width, e embedding size, T timesteps of the schedule,
    n images, p prompts. The variable `c` is always the condition; channel counts are `img_ch`.
Pixels are float in [-1, 1] on the model's side, uint8 in storage, PIL at the entry points.

Knows nothing of how anything is computed.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from torch import Tensor

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the network says about x_t, as noise and as picture.

    Under guidance `eps` and `x_0` are the guided ones and the two branches stand beside them.
    """

    eps: Tensor  # (b, c, h, w)
    x_0: Tensor  # (b, c, h, w)
    x_0_cond: Tensor | None = None
    x_0_uncond: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a walk down the noise levels: at timestep `t`, from `x_t` to `x_prev`."""

    i: int
    t: float
    x_t: Tensor  # (b, c, h, w)
    pred: Prediction
    x_prev: Tensor  # (b, c, h, w)


@dataclass(frozen=True, slots=True)
class TrainStep:
    """One optimisation step. `heldout_loss` is there only on the steps that measured it.

    The loss of a step that was skipped, because something in it was no number, is NaN.
    """

    step: int
    epoch: float
    loss: float
    lr: float
    images_per_second: float
    seconds: float
    heldout_loss: float | None = None

    def as_row(self) -> dict[str, float | None]:
        """As JSON has it: what is no number is null."""
        fields: dict[str, float | None] = asdict(self)
        return {k: v if v is None or math.isfinite(v) else None for k, v in fields.items()}


Predict = Callable[[Tensor, float], Prediction]
"""`predict(x_t, t)`: everything a sampler knows of networks, prompts and guidance."""

Noise = Callable[[int], Tensor]
"""`noise(i)`: the fresh noise of step i, drawn by one generator an image."""


@runtime_checkable
class Denoiser(Protocol):
    """A network that predicts at one timestep of a schedule.

    A row of `c` whose mask is 0 is replaced by the network's own learned null condition.
    """

    image_shape: tuple[int, int, int]
    c_embed_dim: int

    def __call__(self, x_t: Tensor, t: Tensor, c: Tensor, c_mask: Tensor) -> Tensor:
        """x_t (b, c, h, w), t (b,) timesteps (may be fractional), c (b, e), c_mask (b, 1)."""
        ...


@dataclass(frozen=True, slots=True)
class Item:
    """One picture as an embedder sees it: the training crop with what the source knows of it."""

    key: str
    image: "Image"
    label: str | None = None
    caption: str | None = None


@runtime_checkable
class Embedder(Protocol):
    """Puts pictures and words into one space. All embeddings have unit length, float32."""

    name: str
    dim: int
    fingerprint: str

    def embed_items(self, items: Sequence[Item]) -> Tensor:
        """What the cache stores, (b, e): of the pictures, or of the labels for `labels`."""
        ...

    def embed_images(self, images: "Sequence[Image]") -> Tensor:
        """(b, e), by the exact preprocessing of the encoder."""
        ...

    def embed_pixels(self, x: Tensor) -> Tensor:
        """(b, e) from x (b, c, h, w) in [-1, 1]; differentiable."""
        ...

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """(p, e); no texts give (0, e)."""
        ...

    def prompt_bank(self) -> list[str]:
        """Prompts of the kind this embedder is asked, for the mean of the texts."""
        ...


@runtime_checkable
class SplitEmbedder(Protocol):
    """An embedder whose `embed_items` is `embed_ready` of what `ready` makes, stacked.

    So pictures can be resized in threads while the encoder is busy with those before.
    """

    def ready(self, item: Item) -> Tensor:
        """(c, h, w) as the encoder takes it; called from several threads at once."""
        ...

    def embed_ready(self, x: Tensor) -> Tensor:
        """(b, e) of stacked `ready` pictures (b, c, h, w)."""
        ...


@runtime_checkable
class ImageSource(Protocol):
    """A list of pictures with stable names; labels, captions and facts only where known."""

    name: str
    classes: tuple[str, ...]

    def __len__(self) -> int: ...

    def __getitem__(self, i: int) -> "Image":
        """Picture i as PIL, decoded and upright; raises `DataError` where it cannot.

        Asked for from several threads at once.
        """
        ...

    def key(self, i: int) -> str:
        """A name that is unique in the source and the same tomorrow."""
        ...

    def label(self, i: int) -> str | None:
        """The class of picture i, one of `classes`, or None."""
        ...

    def caption(self, i: int) -> str | None:
        """A caption that came with picture i, or None."""
        ...

    def facts(self, i: int) -> dict[str, str]:
        """What is true of picture i, attribute by attribute ({} where nothing is known)."""
        ...


@dataclass(frozen=True, slots=True)
class Caption:
    """A sentence and the facts it states; it fits every picture whose facts agree."""

    text: str
    facts: dict[str, str]


@runtime_checkable
class Judge(Protocol):
    """Reads pictures back. Trained apart from every model that it judges."""

    classes: tuple[str, ...]

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (b, c, h, w) in [-1, 1] -> class probabilities (b, k), rejected (b,) bool."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long stage is; `note` is for people."""

    stage: str
    done: int
    total: int
    note: str = ""

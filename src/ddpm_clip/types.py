"""Protocols and shared dataclasses: the vocabulary of the whole package.

Shape letters, used in comments everywhere:
    b batch, c h w channels height width, e embedding size, T timesteps of the schedule,
    n images, p prompts. The variable `c` is always the condition; channel counts are `img_ch`.
Pixels are float in [-1, 1] on the model's side, uint8 in storage, PIL at the entry points.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from torch import Tensor

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the network predicts from x_t, as noise and as clean picture.

    Under guidance, `eps` and `x_0` are the guided values, and the last two fields hold the
    clean picture of the conditional and the unconditional branch.
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
class NoiseBin:
    """Mean held-out loss in one range of sigma/alpha, with the condition and without it."""

    sigma_low: float
    sigma_high: float
    n: int
    with_condition: float
    without_condition: float


@dataclass(frozen=True, slots=True)
class TrainStep:
    """One optimisation step; `heldout_loss` and `noise_bins` only on steps that measure them.

    The loss of a step that was skipped because of a NaN or infinite value is NaN.
    """

    step: int
    epoch: float
    loss: float
    lr: float
    images_per_second: float
    seconds: float
    heldout_loss: float | None = None
    noise_bins: tuple[NoiseBin, ...] = ()

    def as_row(self) -> dict[str, float | None]:
        """Return the fields but the bins for JSON, with None instead of NaN or infinity."""
        fields: dict[str, float | None] = asdict(replace(self, noise_bins=()))
        del fields["noise_bins"]
        return {k: v if v is None or math.isfinite(v) else None for k, v in fields.items()}


Predict = Callable[[Tensor, float], Prediction]
"""`predict(x_t, t)`: all that a sampler sees of networks, prompts and guidance."""

Noise = Callable[[int], Tensor]
"""`noise(i)`: the fresh noise of step i, drawn from one generator per picture."""


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
    """One picture as an embedder sees it: the training crop with its key, label and caption."""

    key: str
    image: "Image"
    label: str | None = None
    caption: str | None = None


@runtime_checkable
class Embedder(Protocol):
    """Maps pictures and texts into one space. All embeddings are float32 of unit length."""

    name: str
    dim: int
    fingerprint: str

    def embed_items(self, items: Sequence[Item]) -> Tensor:
        """Return the embeddings (b, e) to cache: of the pictures, or for `labels` of the labels."""
        ...

    def embed_images(self, images: "Sequence[Image]") -> Tensor:
        """Return embeddings (b, e), with the encoder's own preprocessing."""
        ...

    def embed_pixels(self, x: Tensor) -> Tensor:
        """Return embeddings (b, e) of x (b, c, h, w) in [-1, 1]; differentiable."""
        ...

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Return embeddings (p, e); an empty list gives (0, e)."""
        ...

    def prompt_bank(self) -> list[str]:
        """Return typical prompts for this embedder, from which the mean text is computed."""
        ...


@runtime_checkable
class SplitEmbedder(Protocol):
    """An embedder that preprocesses pictures (`ready`) apart from encoding (`embed_ready`).

    `embed_items(items)` equals `embed_ready` of the stacked `ready` pictures, so pictures can be
    resized in threads while the encoder works on the previous batch.
    """

    def ready(self, item: Item) -> Tensor:
        """Return the encoder's input (c, h, w); called from several threads at once."""
        ...

    def embed_ready(self, x: Tensor) -> Tensor:
        """Return embeddings (b, e) of stacked `ready` pictures (b, c, h, w)."""
        ...


@runtime_checkable
class ImageSource(Protocol):
    """A list of pictures with stable keys; labels, captions and facts only where known."""

    name: str
    classes: tuple[str, ...]

    def __len__(self) -> int: ...

    def __getitem__(self, i: int) -> "Image":
        """Return picture i as PIL, decoded and upright; `DataError` if it cannot be decoded.

        Called from several threads at once.
        """
        ...

    def key(self, i: int) -> str:
        """Return a key that is unique in the source and the same in every session."""
        ...

    def label(self, i: int) -> str | None:
        """Return the class of picture i, one of `classes`, or None."""
        ...

    def caption(self, i: int) -> str | None:
        """Return the caption that came with picture i, or None."""
        ...

    def facts(self, i: int) -> dict[str, str]:
        """Return the known attributes of picture i, such as its colour ({} if none are known)."""
        ...


@dataclass(frozen=True, slots=True)
class Caption:
    """A sentence and the facts it states; it fits every picture whose facts agree."""

    text: str
    facts: dict[str, str]


@runtime_checkable
class Judge(Protocol):
    """Classifies painted pictures. Trained separately from every model that it judges."""

    classes: tuple[str, ...]

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return class probabilities (b, k) and rejected (b,) bool of x (b, c, h, w) in [-1, 1]."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long stage is; `note` is text for the user."""

    stage: str
    done: int
    total: int
    note: str = ""

"""What a CLIP reads in maps that are not pictures, compared with random noise.

A CLIP finds something in any input, so a cosine alone means nothing. Here each word's cosine is
expressed in standard deviations from its mean over random noise that is shown in the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.errors import UsageError
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.recorder import Recording
from ddpm_clip.statistics.means import Means, means

DRAWS = 512
"""Pictures of random noise on which the null is measured, and as many on which it is checked."""

FAR = 3.0
"""|z| that random noise rarely reaches."""

ALLOWED = 0.01
"""Share of the cells of random noise that may reach it; for a Gaussian it would be 0.0027."""

MAPS = (
    "what is seen (x_t)",
    "noise named with words",
    "noise named without",
    "difference of the two",
)
"""Names of the maps in `report.json`."""

LABELS = (
    "noisy picture (x_t)",
    "noise predicted with words",
    "noise predicted without",
    "difference of the two",
)
"""Names of the maps in panels, in the order of `MAPS`."""


@dataclass(frozen=True, slots=True, eq=False)
class NoiseReader:
    """A CLIP with a vocabulary, calibrated on random noise.

    Attributes:
        target: the target whose CLIP it is.
        words: (p,) the words to look for.
        texts: (p, e) unit embeddings of the words, centred if there are several.
        brightness, contrast: mean and standard deviation of the pixels of the model's pictures.
        mean, std: (p,) mean and standard deviation of the words' cosines with random noise.
        chance: share of the cells with |z| > 3 on noise that was not used to measure the two.
    """

    target: AnalysisTarget
    words: tuple[str, ...]
    texts: Tensor
    brightness: float
    contrast: float
    mean: Tensor
    std: Tensor
    chance: float

    def shown(self, maps: Tensor) -> Tensor:
        """Scale maps (b, c, h, w) to the brightness and contrast of a picture."""
        flat = maps.flatten(1)
        mean, std = flat.mean(1), flat.std(1).clamp(min=1e-12)
        shape = (-1, *[1] * (maps.ndim - 1))
        unit = (maps - mean.view(shape)) / std.view(shape)
        return (self.brightness + self.contrast * unit).clamp(-1, 1)

    def z(self, maps: Tensor) -> Tensor:
        """Return (b, p) how far each word stands above random noise in each map (b, c, h, w)."""
        return (self._cosines(maps) - self.mean) / self.std

    def _cosines(self, maps: Tensor) -> Tensor:
        e = self.target.embed(self.shown(maps).to(self.target.ddpm.device).float())
        assert e is not None
        return e.double().cpu() @ self.texts.T


def noise_reader(
    target: AnalysisTarget, words: Sequence[str], like: Tensor, seed: int = 0, draws: int = DRAWS
) -> NoiseReader | None:
    """Return a reader calibrated on white noise; None without an embedder.

    Args:
        target: the target whose CLIP embeds.
        words: words to look for; repeated ones count once.
        like: (n, c, h, w) pictures that give brightness and contrast.
        seed: random seed of the noise.
        draws: pictures of noise to calibrate on, and as many to check on.

    Raises:
        UsageError: there are no words.
    """
    unique = tuple(dict.fromkeys(words))
    if not unique:
        raise UsageError("no words to look for", "the vocabulary is empty", param="words")
    texts = target.embed_texts(unique)
    if texts is None or target.embedding is None:
        return None
    texts = texts.detach().double().cpu()
    texts = F.normalize(texts - texts.mean(0), dim=1) if len(unique) > 1 else texts
    zero = torch.zeros(len(unique), dtype=torch.float64)
    bare = NoiseReader(
        target, unique, texts, float(like.mean()), float(like.std()), zero, zero + 1, 0.0
    )
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(2 * draws, *target.image_shape, generator=generator)
    cosines = torch.cat([bare.z(part) for part in noise.split(256)])  # type: ignore[no-untyped-call]
    mean, std = cosines[:draws].mean(0), cosines[:draws].std(0).clamp(min=1e-9)
    chance = ((cosines[draws:] - mean) / std).abs() > FAR
    return NoiseReader(
        target,
        unique,
        texts,
        bare.brightness,
        bare.contrast,
        mean,
        std,
        float(chance.double().mean()),
    )


def top_words(words: Sequence[str], z: Tensor, k: int) -> list[tuple[str, float]]:
    """Return the k words with the largest |z| (p,), or all of them if there are fewer."""
    order = z.abs().argsort(descending=True)[: min(k, len(words))].tolist()
    return [(words[i], float(z[i])) for i in order]


@dataclass(frozen=True, slots=True, eq=False)
class ReadMaps:
    """The four maps at s steps of a walk of b pictures, and what a CLIP reads in them.

    Attributes:
        ratio: (s,) sigma/alpha.
        maps: (4, s, b, c, h, w) the maps, in the order of `MAPS`.
        z: (4, s, b, p) z of each word.
        reader: the reader.
        asked_class: index of the requested word in the vocabulary, or None.
    """

    ratio: list[float]
    maps: Tensor
    z: Tensor
    reader: NoiseReader
    asked_class: int | None

    @property
    def margin(self) -> Means | None:
        """How far the requested word stands above the others in the difference map."""
        if self.asked_class is None or self.z.shape[-1] < 2:
            return None
        z = self.z[3].mean(0)  # (b, p)
        others = (z.sum(1) - z[:, self.asked_class]) / (z.shape[1] - 1)
        return means(z[:, self.asked_class] - others)


def read_maps(
    target: AnalysisTarget, walked: Recording, words: Sequence[str], like: Tensor
) -> ReadMaps | None:
    """Read the maps of a recorded walk; None without an embedder or without words.

    Args:
        target: the target that walked.
        walked: the recording, with both branches.
        words: words to look for, in addition to the requested class; if there are none, the names
            of the classes.
        like: (n, c, h, w) pictures that give brightness and contrast.
    """
    vocabulary = list(words) or list(target.class_words)
    wanted = None if target.asked_class is None else target.class_words[target.asked_class]
    if not vocabulary:
        return None
    vocabulary += [] if wanted is None else [wanted]
    reader = noise_reader(target, vocabulary, like, seed=max(target.seeds))
    if reader is None:
        return None
    # unconditional minus conditional: less noise is more picture, so this adds to the picture
    maps = torch.stack(
        [walked.x_t, walked.eps_cond, walked.eps_uncond, walked.eps_uncond - walked.eps_cond]
    )
    z = reader.z(maps.flatten(0, 2)).view(*maps.shape[:3], -1)
    asked_class = reader.words.index(wanted) if wanted in reader.words else None
    return ReadMaps(walked.ratio, maps, z, reader, asked_class)

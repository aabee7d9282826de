"""What a CLIP reads in maps that are no pictures, beside what it reads in random noise.

A CLIP names something in everything, so a cosine says nothing by itself. Here each word's cosine
is counted in standard deviations from its mean over random noise that is shown in the same way.
Knows nothing of how walks are recorded.
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
"""Pictures of random noise that the null is measured on, and as many that it is checked on."""

FAR = 3.0
"""|z| that random noise hardly ever reaches."""

ALLOWED = 0.01
"""Share of the cells of random noise that may reach it; of a Gaussian it is 0.0027."""

MAPS = (
    "what is seen (x_t)",
    "noise named with words",
    "noise named without",
    "difference of the two",
)


@dataclass(frozen=True, slots=True, eq=False)
class NoiseReader:
    """A CLIP with a vocabulary, and what it says of random noise.

    Attributes:
        target: whose CLIP it is.
        words: that are looked for.
        texts: (p, e) their embeddings, centred where there are several, of unit length.
        brightness, contrast: mean and standard deviation of a pixel of the model's pictures.
        mean, std: (p,) of the words' cosines with random noise.
        chance: share of |z| > 3 over the cells of noise that the two were not measured on.
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
        """Maps (b, c, h, w) of any scale as bright and as rich in contrast as a picture."""
        flat = maps.flatten(1)
        middle, spread = flat.mean(1), flat.std(1).clamp(min=1e-12)
        shape = (-1, *[1] * (maps.ndim - 1))
        unit = (maps - middle.view(shape)) / spread.view(shape)
        return (self.brightness + self.contrast * unit).clamp(-1, 1)

    def z(self, maps: Tensor) -> Tensor:
        """(b, p) how far above random noise each word is in each map (b, c, h, w)."""
        return (self._cosines(maps) - self.mean) / self.std

    def _cosines(self, maps: Tensor) -> Tensor:
        e = self.target.embed(self.shown(maps).to(self.target.ddpm.device).float())
        assert e is not None
        return e.double().cpu() @ self.texts.T


def noise_reader(
    target: AnalysisTarget, words: Sequence[str], like: Tensor, seed: int = 0, draws: int = DRAWS
) -> NoiseReader | None:
    """A reader whose null is measured on white noise; None where nobody embeds.

    Args:
        target: who embeds.
        words: at least one; each once.
        like: (n, c, h, w) pictures, for brightness and contrast.
        seed: of the noise.
        draws: pictures of it, twice.

    Raises:
        UsageError: no words.
    """
    told = tuple(dict.fromkeys(words))
    if not told:
        raise UsageError("no words to look for", "the vocabulary is empty", param="words")
    texts = target.embed_texts(told)
    if texts is None or target.embedding is None:
        return None
    texts = texts.detach().double().cpu()
    texts = F.normalize(texts - texts.mean(0), dim=1) if len(told) > 1 else texts
    nothing = torch.zeros(len(told), dtype=torch.float64)
    bare = NoiseReader(
        target, told, texts, float(like.mean()), float(like.std()), nothing, nothing + 1, 0.0
    )
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(2 * draws, *target.image_shape, generator=generator)
    cosines = torch.cat([bare.z(part) for part in noise.split(256)])  # type: ignore[no-untyped-call]
    mean, std = cosines[:draws].mean(0), cosines[:draws].std(0).clamp(min=1e-9)
    chance = ((cosines[draws:] - mean) / std).abs() > FAR
    return NoiseReader(
        target,
        told,
        texts,
        bare.brightness,
        bare.contrast,
        mean,
        std,
        float(chance.double().mean()),
    )


def top_words(words: Sequence[str], z: Tensor, k: int) -> list[tuple[str, float]]:
    """The k words that stand out most, by |z| (p,), or all where there are fewer."""
    order = z.abs().argsort(descending=True)[: min(k, len(words))].tolist()
    return [(words[i], float(z[i])) for i in order]


@dataclass(frozen=True, slots=True, eq=False)
class ReadMaps:
    """The four maps at s places of a walk of b pictures, and what a CLIP reads in them.

    Attributes:
        ratio: (s,) sigma/alpha.
        maps: (4, s, b, c, h, w), named `MAPS`.
        z: (4, s, b, p) of each word.
        reader: that read them.
        asked_class: the place of the asked word in the vocabulary, or None.
    """

    ratio: list[float]
    maps: Tensor
    z: Tensor
    reader: NoiseReader
    asked_class: int | None

    @property
    def margin(self) -> Means | None:
        """How far the asked word is above the others in the difference, over the pictures."""
        if self.asked_class is None or self.z.shape[-1] < 2:
            return None
        z = self.z[3].mean(0)  # (b, p)
        others = (z.sum(1) - z[:, self.asked_class]) / (z.shape[1] - 1)
        return means(z[:, self.asked_class] - others)


def read_maps(
    target: AnalysisTarget, walked: Recording, words: Sequence[str], like: Tensor
) -> ReadMaps | None:
    """Read a recorded walk; None where nobody embeds or there are no words.

    Args:
        target: that walked.
        walked: with both branches.
        words: that are looked for, and the asked class with them; none take the names of the
            classes.
        like: (n, c, h, w) pictures, for brightness and contrast.
    """
    vocabulary = list(words) or list(target.spoken)
    wanted = None if target.asked_class is None else target.spoken[target.asked_class]
    if not vocabulary:
        return None
    vocabulary += [] if wanted is None else [wanted]
    reader = noise_reader(target, vocabulary, like, seed=max(target.seeds))
    if reader is None:
        return None
    # less noise is more picture: the sign in which words add to the picture
    maps = torch.stack(
        [walked.x_t, walked.eps_cond, walked.eps_uncond, walked.eps_uncond - walked.eps_cond]
    )
    z = reader.z(maps.flatten(0, 2)).view(*maps.shape[:3], -1)
    asked_class = reader.words.index(wanted) if wanted in reader.words else None
    return ReadMaps(walked.ratio, maps, z, reader, asked_class)

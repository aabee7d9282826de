"""A world whose every meaning is known: each word a direction, pictures and texts a gap apart."""

import random
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import torch
from torch.nn import functional as F

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.coverage.texts import words

DIM = 96
SILENT = {"a", "an", "the", "of", "photo", "picture", "please", "paint", "me", "in", "on"}


class PlantedEmbedder:
    """Texts are the sum of their words' directions, beside a gap; equal words, equal rows."""

    name, dim, fingerprint = "mini_clip", DIM, "planted"

    def __init__(self):
        self.asked = 0

    def embed_texts(self, texts):
        """(p, DIM) of unit length."""
        self.asked += len(texts)
        return torch.stack([self.meaning(words(text), gap="text") for text in texts])

    def meaning(self, said, gap):
        """(DIM,) of unit length."""
        rows = [direction(word) for word in said if word not in SILENT]
        return F.normalize(sum(rows, 1.5 * direction(f"<{gap}>")), dim=0)


@cache
def direction(word):
    """(DIM,) of unit length, the same for a word wherever it stands."""
    rng = random.Random(f"planted {word}")
    return F.normalize(torch.tensor([rng.gauss(0, 1) for _ in range(DIM)]), dim=0)


def planted_model(kinds, n=60, prompts=(), classes=(), name="mini_clip", folder=Path("nowhere")):
    """A model whose pictures are `n` of each of `kinds`, such as "red rose", a little apart."""
    embedder, generator = PlantedEmbedder(), torch.Generator().manual_seed(0)
    embedder.name = name
    rows = torch.stack([embedder.meaning(kind.split(), gap="picture") for kind in kinds])
    images = rows.repeat_interleave(n, 0)
    images = F.normalize(images + 0.04 * torch.randn(images.shape, generator=generator), dim=1)
    keys = [f"{kind}/{i}" for kind in kinds for i in range(n)]
    texts = embedder.embed_texts(prompts) if prompts else torch.empty(0, DIM)
    conditioner = Conditioner.fit(images, texts, keys=keys, prompts=prompts)
    config = SimpleNamespace(embedder=SimpleNamespace(name=name))
    return SimpleNamespace(
        name="planted",
        folder=folder,
        config=config,
        conditioner=conditioner,
        classes=tuple(classes),
        embedder=embedder,
    )

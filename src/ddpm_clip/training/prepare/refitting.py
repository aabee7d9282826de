"""Fits the words of a finished model again: the pairs for its prior, and another text tower."""

from collections.abc import Generator, Sequence

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor

from ddpm_clip.conditioning.statistics import rms_radius
from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.embedders.texts import TextEmbeddings
from ddpm_clip.errors import DataError
from ddpm_clip.runs.pretrained import LoadedModel
from ddpm_clip.training.bridge.bridging import CaptionPairs
from ddpm_clip.training.bridge.pairs import MOST
from ddpm_clip.training.prepare.pictures import decode, open_data
from ddpm_clip.training.prepare.preparation import heldout_rows
from ddpm_clip.types import Progress

BATCH = 256


def caption_pairs(model: LoadedModel) -> Generator[Progress, None, CaptionPairs]:
    """Embed as many training pictures as a prior is fitted on, and the held-out ones.

    Raises:
        DataError: the pictures that the config names are not there.
    """
    source = open_data(model.config.data)
    decoded = None
    if model.config.embedder.measure:  # then captions state what is measured in the pixels
        decoded = yield from decode(source, model.config.data)
    indices = range(len(source)) if decoded is None else decoded.indices
    heldout = heldout_rows(len(indices), model.config.data.heldout)
    rows = np.setdiff1d(np.arange(len(indices)), heldout)
    rows = rows[np.linspace(0, len(rows) - 1, min(MOST, len(rows))).round().astype(int)]
    images = torch.zeros(len(indices), model.conditioner.dim)
    wanted = np.concatenate([rows, heldout])
    for start in range(0, len(wanted), BATCH):
        some = wanted[start : start + BATCH]
        images[some] = _embedded(model, [source[indices[row]] for row in some.tolist()])
        yield Progress("embed", start + len(some), len(wanted))
    array = None if decoded is None else decoded.array
    return CaptionPairs(source, indices, images, rows, heldout, array)


def take_words(model: LoadedModel, clip: MiniClip) -> None:
    """Let a model read its prompts with a mini-CLIP that was trained with `freeze_image`.

    Its bridge and its prior have to be fitted again afterwards.

    Raises:
        DataError: the image towers differ, so the network would be asked in another language.
    """
    own = model.embedder
    if not isinstance(own, MiniClip) or not _equal(own.image, clip.image):
        raise DataError(
            f"this mini-CLIP does not see pictures as that of {model.name} does",
            "the network was trained on embeddings of another image tower",
            "train only its texts: train-clip --set embedder.init=MODEL "
            "--set embedder.freeze_image=true",
        )
    model.embedder, conditioner = clip, model.conditioner
    conditioner.prompts = clip.prompt_bank()
    texts = TextEmbeddings(clip.embed_texts)(conditioner.prompts)
    conditioner.mean_text = texts.mean(0)
    conditioner.radius_text = rms_radius(texts - conditioner.mean_text)


def _equal(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def _embedded(model: LoadedModel, pictures: Sequence[Image]) -> Tensor:
    with torch.no_grad():
        return model.embedder.embed_images(pictures).cpu()

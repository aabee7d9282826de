"""The pairs that a finished model's prior can be fitted on again."""

from collections.abc import Generator, Sequence

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor

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


def _embedded(model: LoadedModel, pictures: Sequence[Image]) -> Tensor:
    with torch.no_grad():
        return model.embedder.embed_images(pictures).cpu()

"""Embedding a source: the crop that is trained on, mirrored where training mirrors, by label."""

import numpy as np
import pytest
import torch

from ddpm_clip.data.local.npz import ArraySource
from ddpm_clip.embedders.labels import Labels
from ddpm_clip.training.prepare.embedding import PLAIN, Side, embed_source, identity, opened, sides
from ddpm_clip.utils.generators import finish
from tests.tiny_run import tiny_config


class Halves:
    """Embeds a picture as the brightness of its left and of its right half."""

    name, fingerprint, dim = "halves", "f00d", 2

    def embed_items(self, items):
        grey = [np.asarray(item.image.convert("L")).astype(float) for item in items]
        return torch.tensor([[x[:, : x.shape[1] // 2].mean(), x[:, 8:].mean()] for x in grey])


@pytest.fixture
def source():
    """Three pictures of 8 x 16, bright to the left within the middle square, and at both ends."""
    images = np.zeros((3, 16, 32, 3), dtype=np.uint8)
    for i in range(3):
        images[i, :, 8:16] = 100 + i
        images[i, :, 24:] = 250
    labels = ["dark", "light", "dark"]
    return ArraySource("planted", images, ["a", "b", "c"], ("dark", "light"), labels)


def embedded(home, source, **data):
    config = tiny_config(data={"image_size": 16, **data}, embedder={"batch_size": 2})
    done = finish(embed_source(home, config, source, Halves()))
    assert (done.keys, done.bad) == (["a", "b", "c"], [])
    found = []
    for side in sides(config):
        cache = opened(home / side.name, side.card(Halves(), config.data))
        found.append(cache.lookup(done.keys, done.digests).tolist())
    return found


def test_the_crop_is_embedded_and_its_mirror_image_as_well(tmp_path, source):
    plain, mirrored = embedded(tmp_path, source, flip=True)
    assert plain == [[100, 0], [101, 0], [102, 0]]
    assert mirrored == [[0, 100], [0, 101], [0, 102]]


def test_only_what_training_needs_is_embedded(tmp_path, source):
    assert len(embedded(tmp_path, source, flip=False)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["embeddings"]


def test_caches_of_another_crop_or_side_are_other_caches():
    cards = {
        side.card(Halves(), tiny_config(data={"crop": crop, "background": behind}).data)
        for side in (PLAIN, Side(mirror=True))
        for crop in ("centre", "none")
        for behind in ("white", "black")
    }
    assert len({card.preprocessing for card in cards}) == 8


def test_what_an_embedding_depends_on_is_the_picture_and_for_labels_the_label(source):
    labels, halves = Labels(["dark", "light"]), Halves()
    own = [identity(source, i, labels) for i in range(3)]
    assert own[0] != identity(source, 0, halves)
    source.labels = ["light", "light", "dark"]
    assert identity(source, 0, labels) != own[0], "it was moved to another class"
    assert identity(source, 1, labels) == own[1]
    assert identity(source, 0, halves) == source.digest(0)

"""Class names as one-hot rows."""

import pytest
import torch
from PIL import Image

from ddpm_clip.embedders import EMBEDDERS
from ddpm_clip.embedders.labels import Labels
from ddpm_clip.errors import DataError, UsageError
from ddpm_clip.types import Embedder, Item

PICTURE = Image.new("RGB", (4, 4))


def test_labels_is_an_embedder_and_is_found_by_name():
    embedder = EMBEDDERS["labels"](["cat", "dog"])
    assert isinstance(embedder, Embedder)
    assert embedder.name == "labels"


def test_each_class_has_its_own_axis_whatever_its_case():
    labels = Labels(["Cat", "dog", "a cow"])
    assert torch.equal(labels.embed_texts([" CAT", "dog", "A cow "]), torch.eye(3))


def test_items_are_embedded_by_their_label_and_not_their_picture():
    items = [Item("1", PICTURE, label="dog"), Item("2", PICTURE, label="cat")]
    assert Labels(["cat", "dog"]).embed_items(items).tolist() == [[0, 1], [1, 0]]


def test_an_item_without_a_label_is_named():
    with pytest.raises(DataError, match=r"a/b\.png"):
        Labels(["cat"]).embed_items([Item("a/b.png", PICTURE)])


def test_a_single_class_still_has_two_dimensions():
    assert Labels(["cat"]).embed_texts(["cat"]).tolist() == [[1, 0]]


def test_no_texts_give_no_rows():
    assert Labels(["cat", "dog"]).embed_texts([]).shape == (0, 2)


def test_an_unknown_class_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'sunflower'") as caught:
        Labels(["rose", "sunflower"]).embed_texts(["sunflowr"])
    assert caught.value.exit_code == 2


def test_pictures_and_pixels_are_refused_in_a_sentence():
    labels = Labels(["cat"])
    with pytest.raises(UsageError, match="cannot embed pictures"):
        labels.embed_images([PICTURE])
    with pytest.raises(UsageError, match="cannot embed pictures"):
        labels.embed_pixels(torch.zeros(1, 3, 4, 4))


@pytest.mark.parametrize("classes", [[], ["cat", " "], ["cat", "Cat "]])
def test_classes_that_cannot_be_told_apart_are_refused(classes):
    with pytest.raises(UsageError):
        Labels(classes)


def test_the_fingerprint_follows_the_names_and_their_order():
    prints = [Labels(c).fingerprint for c in (["a", "b"], ["b", "a"], ["A ", "b"], ["a", "b", "c"])]
    assert prints[0] == prints[2]
    assert len(set(prints)) == 3


def test_the_prompt_bank_is_the_classes():
    assert Labels(["rose", "tulip"]).prompt_bank() == ["rose", "tulip"]

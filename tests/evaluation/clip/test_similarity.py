"""Scores are centred cosines, shares sum to 1, and the compass shows the plane that is there."""

import json

import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.clip.similarity import EmbeddingSpace, compass, similarity

WORDS = F.normalize(torch.eye(4)[:3] + 0.2, dim=1)
GAP = torch.tensor([0.0, 0.0, 0.0, 4.0])


class Planted:
    """Pictures (their size says which) lie where their words lie, but for a wide gap."""

    inverse_temperature = torch.tensor(5.0)

    def embed_texts(self, texts):
        return WORDS[[int(text) for text in texts]]

    def embed_images(self, images):
        return WORDS[[image.width for image in images]] + GAP


def pictures(*which):
    return [Image.new("L", (i, 1)) for i in which]


def space(centred):
    conditioner = Conditioner.fit(WORDS + GAP, WORDS) if centred else None
    return EmbeddingSpace("planted", Planted(), conditioner)


def test_the_diagonal_is_the_best_of_row_and_column_where_both_are_centred():
    found = similarity(space(True), pictures(0, 1, 2), ["0", "1", "2"], ["a", "b", "c"])
    assert found.scores.argmax(0).tolist() == [0, 1, 2]
    assert found.scores.argmax(1).tolist() == [0, 1, 2]
    assert found.scores.min() < 0, "what does not fit is negative, and shown so"
    assert found.centred


def test_without_means_the_gap_hides_the_difference():
    raw = similarity(space(False), pictures(0, 1, 2), ["0", "1", "2"], ["a", "b", "c"]).scores
    centred = similarity(space(True), pictures(0, 1, 2), ["0", "1", "2"], ["a", "b", "c"]).scores
    assert (raw.max() - raw.min()) < 0.5 * (centred.max() - centred.min())


def test_the_shares_of_a_picture_sum_to_1_at_the_learned_temperature():
    found = similarity(space(True), pictures(0, 2), ["0", "1", "2"], ["a", "b"])
    assert torch.allclose(found.shares.sum(0), torch.ones(2))
    odds = (found.shares[0, 0] / found.shares[1, 0]).log()
    assert torch.allclose(odds, 5 * (found.scores[0, 0] - found.scores[1, 0]))


def test_the_json_says_which_text_is_nearest():
    told = similarity(space(True), pictures(2, 1), ["0", "1", "2"], ["a", "b"]).as_dict()
    assert told["best"] == ["2", "1"]
    assert len(told["scores"]) == 3
    json.dumps(told)


def test_a_plane_in_a_space_is_found_with_its_share_of_the_variance():
    axes = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(0)))[0]
    spread = torch.randn(400, 6, generator=torch.Generator().manual_seed(1))
    rows = F.normalize(spread * torch.tensor([3.0, 2.0, 0.1, 0.1, 0.1, 0.1]) @ axes.T, dim=1)

    class Flat:
        def embed_images(self, images):
            return rows[[image.width - 1 for image in images]]

        def embed_texts(self, texts):
            return axes.T[[int(text) for text in texts]]

    images = [Image.new("L", (i + 1, 1)) for i in range(400)]
    found = compass(EmbeddingSpace("flat", Flat()), images, [""] * 400, ["0", "1", "2"])
    assert found.shown > 0.95
    assert found.agree is None
    lengths = found.arrows.norm(dim=1)
    assert lengths[:2].min() > 0.98, "in the plane"
    assert lengths[2] < 0.1, "across it"


def test_two_dimensions_are_shown_as_they_are():
    ring = F.normalize(torch.randn(5, 2, generator=torch.Generator().manual_seed(0)), dim=1)

    class Two:
        def embed_images(self, images):
            return ring[[image.width for image in images]]

        def embed_texts(self, texts):
            return ring[[int(text) for text in texts]]

    found = compass(
        EmbeddingSpace("two", Two()), pictures(1, 2, 3), ["1", "2", "0"], ["0", "1", "2"]
    )
    assert torch.allclose(found.points, ring[1:4])
    assert torch.allclose(found.arrows, ring[:3])
    assert found.shown == 1.0
    nearest = (ring[1:4] @ ring[:3].T).argmax(1).tolist()
    right = [i == j for i, j in zip(nearest, (1, 2, 0), strict=True)]
    assert found.agree == pytest.approx(sum(right) / 3)


@pytest.mark.slow
def test_a_space_without_words_wants_some():
    with pytest.raises(UsageError, match="no default texts"):
        space(True).asked([])
    assert EmbeddingSpace.open("digits", "cpu").asked([])[:2] == ["zero", "one"]

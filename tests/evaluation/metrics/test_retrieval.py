import pytest
import torch

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.metrics.retrieval import embed_pictures, retrieval, retrieve

EYE = torch.eye(4)
NONE = torch.zeros(4)


def found_of(images, texts, asked, **options):
    return retrieval(images, texts, asked, image_mean=NONE, text_mean=NONE, **options)


def test_cosines_of_known_vectors_give_known_margins():
    images = torch.tensor([[3.0, 4, 0, 0], [0, 0, 0, 2.0]])
    found = found_of(images, EYE, [0, 3])
    assert found.margins.tolist() == pytest.approx([0.6 - 0.8 / 3, 1.0])
    assert found.found.tolist() == [False, True]
    assert found.margin == pytest.approx((0.6 - 0.8 / 3 + 1) / 2)
    assert (found.n, found.prompts, found.hits, found.r_precision) == (2, 4, 1, 0.5)
    assert found.chance == 0.25


def test_own_prompts_score_best_and_shuffled_ones_at_chance():
    generator = torch.Generator().manual_seed(0)
    texts = torch.randn(10, 32, generator=generator)
    asked = torch.arange(10).repeat(100)
    images = texts[asked] + 0.5 * torch.randn(1000, 32, generator=generator)
    right = retrieval(images, texts, asked.tolist())
    assert right.r_precision == 1
    assert right.margin > 0.7
    shuffled = retrieval(images, texts, asked[torch.randperm(1000, generator=generator)].tolist())
    assert shuffled.interval[0] < shuffled.chance < shuffled.interval[1]
    assert abs(shuffled.margin) < 4 * shuffled.stderr


def test_a_gap_between_pictures_and_words_changes_nothing():
    generator = torch.Generator().manual_seed(0)
    texts = torch.randn(6, 16, generator=generator)
    images = texts.repeat(9, 1) + torch.randn(54, 16, generator=generator)
    asked = list(range(6)) * 9
    near, far = retrieval(images, texts, asked), retrieval(images + 5, texts - 7, asked)
    assert far.margin == pytest.approx(near.margin, abs=1e-5)
    assert far.hits == near.hits


def test_a_tie_is_a_miss():
    found = found_of(torch.tensor([[1.0, 1, 0, 0]]), EYE, [0])
    assert found.hits == 0
    same = retrieval(torch.ones(5, 4), EYE, [0, 1, 2, 3, 0])  # a CLIP that sees nothing
    assert (same.hits, same.margin) == (0, 0)


def test_prompts_of_one_meaning_are_no_wrong_answers():
    images = torch.tensor([[0.9, 1.0, 0, 0]])
    assert found_of(images, EYE, [0]).hits == 0
    found = found_of(images, EYE, [0], meanings=["two", "two", "one", "six"])
    assert found.hits == 1
    assert found.chance == pytest.approx(1 / 3)


def test_pictures_and_prompts_of_a_model_are_embedded_by_the_clip_that_is_given(tiny_tti):
    clip = tiny_tti.model.embedder
    x = torch.rand(5, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = retrieve(clip, x, ["a bar", "a ring"], [0, 0, 1, 1, 1], real=x)
    images, texts = embed_pictures(clip, x, chunk=2), clip.embed_texts(["a bar", "a ring"])
    by_hand = retrieval(images, texts.detach(), [0, 0, 1, 1, 1])
    assert torch.allclose(found.margins, by_hand.margins, atol=1e-5)
    assert found.as_dict()["n"] == 5
    with pytest.raises(UsageError, match="occurs twice"):
        retrieve(clip, x, ["a bar", "a bar"], [0] * 5)


def test_one_picture_has_no_standard_error():
    assert found_of(EYE[:1], EYE, [0]).as_dict()["stderr"] is None


@pytest.mark.parametrize(
    ("asked", "meanings"),
    [([0], None), ([0, 4], None), ([0, -1], None), ([0, 1], ["a"] * 4), ([0, 1], ["a"] * 3)],
)
def test_what_does_not_fit_is_refused(asked, meanings):
    with pytest.raises(UsageError):
        retrieval(torch.eye(2, 4), EYE, asked, meanings=meanings)

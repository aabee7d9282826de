"""What is said of a mini-CLIP: known answers of one that reads planted pictures."""

import pytest
import torch
from torch.nn import functional as F

from ddpm_clip.evaluation.clip.figures import measure_clip

CLASSES = ("ash", "birch", "cedar", "dogwood")
N = 200
APART = 3.0
"""Length of what all pictures have in common, and texts have not; a class has length 1."""


class Planted:
    """Pictures hold their class in the first pixels; a text is the class that it names."""

    dim = 6

    def embed_pixels(self, x):
        direction = F.one_hot(x.flatten(1)[:, :4].argmax(1), 6).float()
        direction[:, 4] = APART
        return F.normalize(direction, dim=1)

    def embed_texts(self, texts):
        words = [text.lower() for text in texts]
        rows = [next((k for k, one in enumerate(CLASSES) if one in text), 5) for text in words]
        return F.one_hot(torch.tensor(rows), 6).float()


@pytest.fixture
def pictures():
    """(pixels, facts), each class as often as the others."""
    classes = torch.arange(N) % 4
    pixels = torch.zeros(N, 1, 2, 4, dtype=torch.uint8)
    pixels.view(N, -1)[torch.arange(N), classes] = 255
    return pixels, [{"label": CLASSES[k]} for k in classes.tolist()]


def test_a_clip_that_reads_every_picture_has_known_figures(pictures):
    found = measure_clip(Planted(), *pictures, seconds=2.5)
    assert (found.n, found.classes, found.seconds, found.heldout) == (N, 4, 2.5, True)
    assert (found.retrieval, found.zero_shot) == (1.0, 1.0)
    length = (1 + APART**2) ** 0.5
    assert found.paired_cosine == pytest.approx(1 / length, abs=1e-5)
    same = (N / 4 - 1) / (N - 1)  # others of one's own class
    assert found.unpaired_cosine == pytest.approx(same / length, abs=1e-5)
    means = torch.full((4,), (1 / length - 1) / 4)
    gap = torch.cat([means, torch.tensor([APART / length])]).norm().item()
    assert found.gap == pytest.approx(gap, abs=1e-5)
    for dimensions in (found.image_dimensions, found.text_dimensions):
        assert dimensions == pytest.approx(3.0, abs=1e-4), "four classes lie on three axes"


def test_one_that_reads_another_class_finds_nothing(pictures):
    pixels, facts = pictures
    wrong = measure_clip(Planted(), pixels, facts[1:] + facts[:1])
    assert (wrong.retrieval, wrong.zero_shot) == (0.0, 0.0)
    assert wrong.paired_cosine == pytest.approx(0.0, abs=1e-6)


def test_captions_alone_name_no_class_and_pictures_without_words_do_not_count(pictures):
    pixels, _ = pictures
    facts = [{"caption": f"an {CLASSES[i % 4]}"} if i % 2 else {} for i in range(N)]
    found = measure_clip(Planted(), pixels, facts, heldout=False)
    assert (found.n, found.zero_shot, found.classes, found.heldout) == (N // 2, None, 0, False)
    assert found.retrieval == 1.0
    nothing = measure_clip(Planted(), pixels, [{}] * N)
    assert (nothing.n, nothing.retrieval, nothing.gap) == (0, None, None)
    one = measure_clip(Planted(), pixels, [{"label": "ash"}] + [{}] * (N - 1))
    assert (one.n, one.retrieval, one.zero_shot, one.classes) == (1, 1.0, None, 1)
    assert one.gap is None

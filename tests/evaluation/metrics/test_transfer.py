import random

import pytest
import torch
from planted import planted

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.metrics.transfer import Labelled, transfer
from ddpm_clip.utils.generators import finish


def shapes(n, seed):
    pixels, facts = planted(n, seed)
    return Labelled(pixels, [one["shape"] for one in facts])


SHORT = {"steps": 40, "batch_size": 32, "width": 4}


@pytest.mark.slow
def test_as_good_pictures_teach_as_well_as_real_ones():
    found = finish(transfer(shapes(300, 0), shapes(400, 1), shapes(200, 2), **SHORT))
    assert (found.n, found.tested) == (300, 200)
    assert found.accuracy > 0.95
    assert found.real_accuracy > 0.95
    assert found.as_dict()["painted"]["interval_95"][0] > 0.9


@pytest.mark.slow
def test_identical_sets_teach_identically():
    x = shapes(120, 0)
    found = finish(transfer(x, x, shapes(100, 2), **SHORT))
    assert found.painted == found.real


@pytest.mark.slow
def test_shuffled_labels_teach_nothing():
    good = shapes(300, 0)
    labels = list(good.labels)
    random.Random(0).shuffle(labels)
    found = finish(transfer(Labelled(good.pixels, labels), good, shapes(200, 2), **SHORT))
    assert found.accuracy < 0.6
    assert found.real_accuracy > 0.95


@pytest.mark.slow
def test_what_a_collapsed_model_never_paints_is_not_learned():
    good, test = shapes(300, 0), shapes(200, 2)
    rows = [i for i, label in enumerate(good.labels) if label != "ring"]
    collapsed = Labelled(good.pixels[rows], [good.labels[i] for i in rows])
    found = finish(transfer(collapsed, good, test, **SHORT))
    assert found.painted <= sum(label != "ring" for label in test.labels)


def test_the_global_generator_is_left_alone():
    state = torch.get_rng_state()
    told = list(
        transfer(shapes(40, 0), shapes(40, 1), shapes(40, 2), steps=2, batch_size=8, width=4)
    )
    assert [(one.done, one.total) for one in told] == [(1, 2), (2, 2)] * 2
    assert torch.equal(state, torch.get_rng_state())


def test_labels_that_do_not_fit_are_refused():
    good = shapes(40, 0)
    with pytest.raises(UsageError, match="40 painted pictures with 2 labels"):
        next(transfer(Labelled(good.pixels, ["bar", "ring"]), good, good))
    with pytest.raises(UsageError, match="painted pictures have the label 'cube'"):
        next(transfer(Labelled(good.pixels, ["cube"] * 40), good, good))
    with pytest.raises(UsageError, match=r"torch\.float32"):
        next(transfer(Labelled(good.pixels.float(), good.labels), good, good))

"""From one idea to another: the ends are plain pictures, and what is shown changes once."""

import numpy as np
import pytest
import torch

from ddpm_clip.editing import interpolate, morph, strip
from ddpm_clip.editing.ideas import conditions_of
from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.tensors import stack_pictures


def pixels(painted):
    return stack_pictures([one.image for one in painted], 28, 1)


@pytest.fixture(scope="module")
def judge():
    return JudgeNet.load(shipped_judge_folder("digits"))


@pytest.mark.slow
def test_the_ends_are_what_plain_sampling_paints(tti):
    settings = tti.settings(n=1, seed=5, steps=6, negative="a three")
    painted = finish(interpolate(tti, "a six", "a nine", settings, frames=3))
    for end, prompt in ((painted[0], "a six"), (painted[-1], "a nine")):
        plain = tti.paint_all([prompt] * 3, settings)[0]  # as many in the batch: the same bits
        assert np.array_equal(np.asarray(end.image), np.asarray(plain.image))
        assert (end.request.prompt, end.request.seed) == (prompt, 5)


@pytest.mark.slow
@pytest.mark.parametrize(("a", "b"), [("a six", "a nine"), ("a one", "a zero")])
def test_the_class_changes_once_on_the_way(tti, judge, a, b):
    settings = tti.settings(n=1, seed=0, steps=8)
    painted = finish(interpolate(tti, a, b, settings, frames=9))
    probabilities, _ = judge(pixels(painted))
    names = [judge.classes.index(prompt.removeprefix("a ")) for prompt in (a, b)]
    lead = probabilities[:, names[1]] - probabilities[:, names[0]]  # from -1 to 1
    assert lead[0] < -0.5
    assert lead[-1] > 0.5
    assert (lead.sign().diff() != 0).sum() == 1


def test_a_picture_may_be_an_end(tti, six):
    settings = tti.settings(n=1, steps=1)
    c = conditions_of(tti, six, settings, [0, 1])
    wanted = tti.model.conditioner.images(tti.model.embedder.embed_images([six.image]))
    assert torch.equal(c, wanted.expand(2, -1))
    painted = finish(interpolate(tti, six, "a nine", settings, frames=2))
    assert painted[0].request.facts["from"] == six.name
    assert painted[0].request.facts["source_digests"] == [six.digest, None]


@pytest.mark.slow
def test_seeds_and_scales_are_rows_of_their_own(tti):
    settings = tti.settings(n=2, seed=3, steps=1, guidance=(1.0, 2.0), batch=5)
    painted = finish(interpolate(tti, "a six", "a nine", settings, frames=4))
    rows = [(one.request.guidance, one.request.seed) for one in painted]
    assert rows == [(s, seed) for s in (1.0, 2.0) for seed in (3, 4) for _ in range(4)]
    shares = [one.request.facts["share"] for one in painted]
    assert shares == [0, 1 / 3, 2 / 3, 1] * 4
    assert [one.request.index for one in painted] == list(range(16))
    assert strip(painted).size[0] > strip(painted[:4]).size[0] - 1
    frames = morph(painted)
    assert len(frames) == 4 + 3
    assert frames[0] == frames[-1]
    assert len({frame.size for frame in frames}) == 1


@pytest.mark.parametrize("frames", [1, 0, 1001, 2.5, True])
def test_too_few_or_too_many_frames_are_refused_before_anything_is_painted(tti, frames):
    with pytest.raises(UsageError, match="frames"):
        interpolate(tti, "a six", "a nine", tti.settings(), frames=frames)

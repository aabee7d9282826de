"""The CLIP's gradient brings unconditional pictures to words, and without it nothing changes."""

import json
import math

import pytest
import torch
from PIL import Image

from ddpm_clip import TextToImage
from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.diffusion.views import Views
from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.generation.clip_guide import ClipGuide, spherical
from ddpm_clip.generation.files import paint_files
from ddpm_clip.generation.settings import Settings
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.tensors import stack_pictures

FREE = {"unconditional": True, "steps": 8, "clip_views": 4}


@pytest.fixture(scope="module")
def tti():
    return TextToImage.from_pretrained("digits", "cpu")


def unit(*degrees):
    angle = torch.tensor(degrees).deg2rad()
    return torch.stack([angle.cos(), angle.sin()], 1)


def test_the_loss_is_half_the_squared_angle():
    a, b = unit(0.0, 0.0, 10.0, 170.0), unit(0.0, 90.0, 40.0, -100.0)
    angles = torch.tensor([0.0, 90.0, 30.0, 90.0]).deg2rad()
    assert torch.allclose(spherical(a, b), angles.square() / 2, atol=1e-6)


@pytest.mark.parametrize("degrees", [0.0, 90.0, 180.0])
def test_the_loss_has_a_finite_slope_everywhere(degrees):
    a = unit(degrees).requires_grad_()
    spherical(a, unit(0.0)).sum().backward()
    assert a.grad.isfinite().all()


def test_pictures_and_words_are_compared_without_the_gap(tti):
    """Pictures that lie where the words lie after a shift have no loss at all."""
    away = torch.tensor([3.0, 0.0, 0.0])
    words = torch.nn.functional.normalize(torch.eye(3) + 0.1, dim=1)

    class Planted:
        def embed_texts(self, texts):
            return words[[int(text) for text in texts]]

        def embed_pixels(self, x):
            raise AssertionError("no pixels here")

    texts = torch.cat([words] * 5)
    pictures = torch.nn.functional.normalize(texts, dim=1) + away
    conditioner = Conditioner.fit(pictures, texts)
    guide = ClipGuide(Planted(), conditioner)
    own = torch.nn.functional.normalize(
        torch.nn.functional.normalize(pictures[:3], dim=1) - conditioner.mean_image, dim=1
    )
    targets = guide.targets(["0", "1", "2"])
    assert (targets @ own.T).argmax(1).tolist() == [0, 1, 2]
    raw = torch.nn.functional.normalize(pictures[:3], dim=1) @ words.T
    assert raw.argmax(1).tolist() == [0, 0, 0], "the gap would decide alone"


@pytest.mark.slow
def test_scale_0_is_unguided_to_the_bit(tti):
    how = FREE | {"n": 2, "clip_travel": 3}
    plain = tti.paint_all([], tti.settings(**FREE, n=2))
    off = tti.paint_all(["six"], tti.settings(**how, clip_guidance=0.0))
    for one, other in zip(plain, off, strict=True):
        assert one.image.tobytes() == other.image.tobytes()


@pytest.mark.slow
def test_the_gradient_brings_the_asked_digits(tti):
    """Of unguided pictures a tenth would be right; a judge of other making reads them."""
    words = ["two", "four", "six"]
    judge = JudgeNet.load(shipped_judge_folder("digits"))
    settings = tti.settings(**FREE, n=4, clip_guidance=1.0, clip_travel=1)
    painted = tti.paint_all(words, settings)
    x = stack_pictures([one.image for one in painted], 28, 1)
    read = judge.read(x)["digit"].labels
    right = sum(one.request.prompt == label for one, label in zip(painted, read, strict=True))
    assert right >= 9


@pytest.mark.slow
def test_a_picture_does_not_depend_on_its_batch(tti):
    how = FREE | {"clip_guidance": 1.0, "clip_travel": 1, "steps": 4}
    together = tti.paint_all(["six", "two"], tti.settings(**how, n=2))
    alone = tti.paint_all("two", tti.settings(**how, n=1, seed=1))
    far = stack_pictures([together[3].image, alone[0].image], 28, 1)
    assert (far[0] - far[1]).abs().max() < 0.05


@pytest.mark.slow
def test_the_words_may_also_steer_the_network_itself(tti):
    both = tti.paint_all("six", tti.settings(n=1, steps=4, clip_guidance=0.5, clip_views=2))
    words = tti.paint_all("six", tti.settings(n=1, steps=4))
    assert both[0].image.tobytes() != words[0].image.tobytes()


@pytest.mark.slow
def test_another_models_clip_guides_where_it_is_named(tti, monkeypatch):
    asked = list[str]()

    def load(name, device):
        asked.append(name)
        return tti.model

    monkeypatch.setattr("ddpm_clip.generation.text_to_image.load", load)
    fresh = TextToImage(tti.model)
    how = tti.settings(**FREE | {"steps": 2}, n=1, clip_guidance=1.0, clip_guide="another")
    fresh.paint_all("six", how)
    fresh.paint_all("two", how)
    assert asked == ["another"], "opened once"


def test_an_untrained_guide_is_a_guide_all_the_same():
    """For the control: its loss falls, whatever that means."""
    torch.manual_seed(0)
    clip = MiniClip(1, 28, 16, 8, 32).eval()
    x = torch.randn(2, 1, 28, 28)
    conditioner = Conditioner.fit(
        clip.embed_pixels(torch.randn(40, 1, 28, 28)).detach(),
        clip.embed_texts(["one", "two", "three"]),
    )
    score = ClipGuide(clip, conditioner).score(["one", "two"], [0, 1], Views(2))
    x.requires_grad_()
    losses = score(x)
    losses.sum().backward()
    assert losses.shape == (2,)
    assert x.grad.abs().amax((1, 2, 3)).min() > 0


def test_the_file_records_the_guide_only_where_there_was_one(tti, tmp_path):
    how = FREE | {"n": 1, "steps": 2}
    for name, more in (("guided", {"clip_guidance": 2.0}), ("plain", {})):
        work = paint_files(tti, ["six"], tti.settings(**how, **more), tmp_path / f"{name}.png")
        finish(work)
    guided, plain = (
        json.loads(Image.open(tmp_path / f"{name}.png").text["ddpm_clip"])
        for name in ("guided", "plain")
    )
    assert (guided["clip_guidance"], guided["clip_travel"]) == (2.0, 2)
    assert guided["prompt"] == "six"
    assert "clip_guidance" not in plain


@pytest.mark.parametrize(
    ("overrides", "param"),
    [
        ({"clip_guidance": -1}, "clip_guidance"),
        ({"clip_guidance": math.nan}, "clip_guidance"),
        ({"clip_guidance": "strong"}, "clip_guidance"),
        ({"clip_guidance": 101}, "clip_guidance"),
        ({"clip_travel": -1}, "clip_travel"),
        ({"clip_travel": 1.5}, "clip_travel"),
        ({"clip_views": 0}, "clip_views"),
        ({"clip_interval": (3, 1)}, "clip_interval"),
    ],
)
def test_an_invalid_setting_is_refused_by_name(overrides, param):
    with pytest.raises(UsageError) as refused:
        Settings().with_overrides(**overrides)
    assert refused.value.param == param


@pytest.mark.slow
def test_words_and_unconditional_go_together_only_with_a_guide(cli, tmp_path):
    ended = cli("generate", "six", "--model", "digits", "--unconditional", "--out", tmp_path)
    assert ended.code == 2
    assert "--clip-guidance" in ended.err
    out = tmp_path / "six.png"
    ended = cli(
        "generate",
        "six",
        "--model",
        "digits",
        "--unconditional",
        "--clip-guidance",
        1,
        "--clip-travel",
        0,
        "-n",
        1,
        "--steps",
        2,
        "--out",
        out,
    )
    assert ended.code == 0
    assert out.is_file()

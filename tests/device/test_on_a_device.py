"""What an accelerator must do as the CPU does; on a machine without one, the CPU is compared too.

The device is `DDPM_CLIP_TEST_DEVICE`, or what `auto` chooses. `make gpu-check` runs these tests.
"""

import os

import numpy as np
import pytest
import torch

from ddpm_clip.build import build_ddpm, build_denoiser, usable_device
from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.models import DENOISERS
from ddpm_clip.runs.run import Run
from ddpm_clip.training.loop import train
from ddpm_clip.utils.device import has_fast_bfloat16
from ddpm_clip.weights import shipped_folder
from tests.training.test_loop import config, prepared

pytestmark = [pytest.mark.device, pytest.mark.slow]


@pytest.fixture(scope="module")
def device():
    return usable_device(os.environ.get("DDPM_CLIP_TEST_DEVICE", "auto"))


def trained(folder, device, stop=None, **training):
    """A training of the toy network; the losses of its steps."""
    run = Run.create(folder, config(device=str(device), **training))
    with run.writing():
        steps, losses = train(run, prepared(flip=True)), []
        for at in steps:
            losses.append(at.loss)
            if at.step == stop:
                break
        steps.close()
    return run, losses


@pytest.mark.parametrize("arch", sorted(DENOISERS))
def test_a_network_computes_what_it_computes_on_the_cpu(arch, device):
    settings = config(arch=arch)
    torch.manual_seed(0)
    net = build_denoiser(settings.model, T=100, img_ch=3, img_size=8, c_embed_dim=7).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    x, t, c = torch.randn(4, 3, 8, 8), torch.tensor([0.0, 10, 50, 99]), torch.randn(4, 7)
    mask = torch.tensor([[1.0], [0], [1], [1]])
    with torch.no_grad():
        here = net(x, t, c, mask)
        there = net.to(device)(*(one.to(device) for one in (x, t, c, mask))).cpu()
    assert torch.allclose(here, there, atol=2e-3, rtol=2e-3)
    assert here.abs().mean() > 0.01


def test_a_training_has_the_losses_of_one_on_the_cpu(tmp_path, device):
    _, there = trained(tmp_path / "there", device)
    _, here = trained(tmp_path / "here", "cpu")
    assert there == pytest.approx(here, rel=0.02)


def test_a_training_that_is_stopped_goes_on(tmp_path, device):
    _, whole = trained(tmp_path / "whole", device)
    _, first = trained(tmp_path / "parts", device, stop=5)
    run, later = trained(tmp_path / "parts", device)
    assert first + later == pytest.approx(whole, rel=0.02)
    assert [row["step"] for row in run.history()] == list(range(1, 11))


def test_a_checkpoint_of_the_device_is_read_on_the_cpu(tmp_path, device):
    run, _ = trained(tmp_path / "run", device, steps=3)
    kept = run.load()
    assert all(
        value.device.type == "cpu" for group in kept.tensors.values() for value in group.values()
    )


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_the_bits_train_as_well(tmp_path, device, dtype):
    if dtype == "bfloat16" and device.type == "cuda" and not has_fast_bfloat16(device):
        pytest.skip(f"no bfloat16 on this {device.type}")
    run, losses = trained(tmp_path / "half", device, dtype=dtype, steps=30)
    _, full = trained(tmp_path / "full", device, dtype="float32", steps=30)
    found = [one for one in losses if np.isfinite(one)]
    assert np.mean(found[-10:]) == pytest.approx(np.mean(full[-10:]), rel=0.1)
    assert ("loss_scale" in run.load().state) == (dtype == "float16")


def test_pictures_on_the_device_give_the_same_batches(tmp_path, device):
    _, there = trained(tmp_path / "there", device, data_on_device=True)
    _, here = trained(tmp_path / "here", device)
    assert there == pytest.approx(here, rel=1e-3)


def test_a_shipped_model_paints_what_it_paints_on_the_cpu(device):
    painted = [
        TextToImage.from_pretrained("digits", str(place))(["seven"], seed=3, steps=8)
        for place in (device, "cpu")
    ]
    one, other = (np.asarray(found[0], dtype=float) for found in painted)
    assert np.abs(one - other).mean() < 4
    assert one.std() > 20


def test_a_mini_clip_and_a_judge_read_what_they_read_on_the_cpu(device):
    x = torch.rand(3, 1, 28, 28) * 2 - 1
    clip = MiniClip.load(shipped_folder("digits") / "embedder")
    judge = JudgeNet.load(shipped_judge_folder("digits"))
    with torch.no_grad():
        here, read = clip.embed_pixels(x), judge(x)[0]
        there = clip.to(device).embed_pixels(x.to(device)).cpu()
        read_there = judge.to(device)(x.to(device))[0].cpu()
    assert torch.allclose(here, there, atol=2e-3)
    assert torch.allclose(read, read_there, atol=5e-3)


def test_the_forward_process_stays_on_the_device(device):
    ddpm = build_ddpm(config().diffusion, device)
    x_t, eps = ddpm.q(torch.zeros(2, 3, 8, 8, device=device), torch.tensor([10.0, 90.0]))
    assert (x_t.device.type, eps.device.type) == (device.type, device.type)

"""Weights of the earlier projects: told by their names, and saying what they said there."""

import pytest
import torch
from legacy_files import course_answer, course_state, pooled_answer, pooled_state

from ddpm_clip.errors import DataError
from ddpm_clip.models import DENOISERS
from ddpm_clip.models.legacy_keys import recognised


def opened(state, T):
    found = recognised(state)
    network = DENOISERS[found.arch](
        T, found.img_ch, found.img_size, found.down_chs, found.t_embed_dim, found.c_embed_dim
    )
    network.load_state_dict(found.weights)
    return found, network.eval()


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize(("img_ch", "size", "c_dim"), [(1, 8, 4), (3, 12, 9)])
def test_the_course_network_says_what_it_said_there(later, img_ch, size, c_dim):
    state = course_state(later, img_ch, size, c_dim=c_dim)
    found, network = opened(state, T=40)
    assert found.arch == ("xnoise_unet" if later else "dli_unet")
    assert (found.img_ch, found.img_size, found.c_embed_dim) == (img_ch, size, c_dim)
    draws = torch.Generator().manual_seed(1)
    x, c = (
        torch.randn(3, img_ch, size, size, generator=draws),
        torch.randn(3, c_dim, generator=draws),
    )
    t, mask = torch.tensor([0.0, 7.0, 39.0]), torch.tensor([[1.0], [0.0], [1.0]])
    with torch.no_grad():
        ours, theirs = network(x, t, c, mask), course_answer(state, later, 40, x, t, c * mask)
    assert theirs.std() > 0.1
    assert torch.allclose(ours, theirs, atol=2e-5)


def test_the_network_with_its_own_clip_says_what_it_said_there():
    state = pooled_state()
    found, network = opened(state, T=20)
    assert (found.arch, found.img_size, found.down_chs) == ("pooled_unet", 32, (4, 6, 8, 10, 12))
    assert found.betas == pytest.approx(torch.linspace(1e-4, 0.02, 20).tolist())
    draws = torch.Generator().manual_seed(1)
    x, c = torch.randn(2, 1, 32, 32, generator=draws), torch.randn(2, 2, generator=draws)
    t, shown = torch.tensor([3.0, 19.0]), torch.ones(2, 1)
    with torch.no_grad():
        assert torch.allclose(network(x, t, c, shown), pooled_answer(state, x, t, c), atol=2e-5)
        none = network(x, t, c, 0 * shown)
        assert torch.allclose(none, pooled_answer(state, x, t, None), atol=2e-5)
    assert not torch.allclose(none, pooled_answer(state, x, t, c), atol=1e-3)


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module."])
def test_what_compiling_or_many_devices_put_before_a_name_is_taken_off(prefix):
    state = {prefix + name: value for name, value in course_state(later=True).items()}
    assert recognised(state).weights.keys() == recognised(course_state(later=True)).weights.keys()


@pytest.mark.parametrize(
    ("arch", "sizes", "count"),
    [
        ("dli_unet", (1, 28, (64, 64, 128), 8, 10), 2_547_457),
        ("dli_unet", (3, 32, (256, 256, 512), 8, 512), 44_900_355),
        ("dli_unet", (1, 16, (64, 64, 128), 8, 10), 2_002_561),
        ("xnoise_unet", (3, 32, (256, 256, 512), 8, 512), 44_835_587),
        ("pooled_unet", (1, 32, (64, 128, 256, 512, 1024), 128, 2), 31_458_625),
    ],
)
def test_the_counts_of_parameters_are_those_that_were_printed_there(arch, sizes, count):
    with torch.device("meta"):
        network = DENOISERS[arch](1000, *sizes)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("model.diffusion_model.input_blocks.0.0.weight", "Stable Diffusion"),
        ("down_blocks.0.resnets.0.conv1.weight", "diffusers"),
        ("visual.transformer.x", "OpenAI"),
        ("image_encoder.conv.0.weight", "CLIP alone"),
        ("layer1.0.conv1.weight", "residual"),
        ("something.else", "unknown network"),
    ],
)
def test_other_networks_are_refused_by_name(name, what):
    with pytest.raises(DataError, match=what) as refused:
        recognised({name: torch.zeros(1)})
    assert "course network" in refused.value.why


def test_a_course_network_without_a_condition_or_cut_short_is_refused():
    for gone in ("c_embed1", "out", "t_emb1"):
        state = {k: v for k, v in course_state(later=False).items() if not k.startswith(gone)}
        with pytest.raises(DataError, match="without a condition, or incomplete"):
            recognised(state)
    with pytest.raises(DataError, match="empty"):
        recognised({})

"""Contract of every network: shapes, gradients, the masked condition, a round trip of its state."""

import pytest
import torch

from ddpm_clip.errors import UsageError
from ddpm_clip.models import DENOISERS, CourseUNet, UNet
from ddpm_clip.models.layers import (
    Attention,
    ContextEmbedding,
    Downsample,
    ResidualBlock,
    TimeEmbedding,
    Upsample,
    group_norm,
)
from ddpm_clip.types import Denoiser
from ddpm_clip.utils.tensors import load_tensors, save_tensors

CHANNELS = (16, 16, 32)


def build(name, img_ch=1, img_size=16, **options):
    """A small network, moved off its silent start: zero-initialised branches pass no gradient."""
    torch.manual_seed(0)
    network = DENOISERS[name](100, img_ch, img_size, CHANNELS, 8, 6, **options)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network


def question(network, b=3, size=None, seed=0):
    generator = torch.Generator().manual_seed(seed)
    img_ch, side, _ = network.image_shape
    x_t = torch.randn(b, img_ch, size or side, size or side, generator=generator)
    t = torch.randint(0, 100, (b,), generator=generator).float()
    return x_t, t, torch.randn(b, network.c_embed_dim, generator=generator), torch.ones(b, 1)


@pytest.fixture(params=list(DENOISERS))
def name(request):
    return request.param


@pytest.mark.slow
@pytest.mark.parametrize("img_ch", [1, 3])
@pytest.mark.parametrize("size", [16, 28, 32, 64])
def test_a_network_answers_in_the_shape_of_the_picture(name, img_ch, size):
    network = build(name, img_ch, size)
    assert isinstance(network, Denoiser)
    assert network.image_shape == (img_ch, size, size)
    assert network.c_embed_dim == 6
    with torch.no_grad():
        said = network(*question(network, b=2))
    assert said.shape == (2, img_ch, size, size)
    assert said.isfinite().all()


def test_gradients_reach_every_parameter(name):
    network = build(name)
    x_t, t, c, _ = question(network, b=4)
    mask = torch.tensor([[1.0], [0.0], [1.0], [0.0]])
    network(x_t, t, c, mask).square().mean().backward()
    silent = [k for k, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def test_a_masked_condition_is_irrelevant_and_a_shown_one_is_not(name):
    network = build(name)
    x_t, t, c, shown = question(network)
    with torch.no_grad():
        hidden = [network(x_t, t, other, 0 * shown) for other in (c, -3 * c)]
        open_ = [network(x_t, t, other, shown) for other in (c, -3 * c)]
    assert torch.equal(*hidden)
    assert (open_[0] - open_[1]).abs().max() > 1e-4


def test_a_mask_hides_its_own_row_only(name):
    network = build(name)
    x_t, t, c, shown = question(network)
    mask = torch.tensor([[1.0], [0.0], [1.0]])
    with torch.no_grad():
        mixed = network(x_t, t, c, mask)
        whole, none = network(x_t, t, c, shown), network(x_t, t, c, 0 * shown)
    assert torch.allclose(mixed[[0, 2]], whole[[0, 2]], atol=1e-5)
    assert torch.allclose(mixed[1], none[1], atol=1e-5)


def test_the_row_matters(name):
    network = build(name)
    x_t, t, c, shown = question(network)
    with torch.no_grad():
        assert (network(x_t, t, c, shown) - network(x_t, t + 30, c, shown)).abs().max() > 1e-4


def test_pictures_of_a_batch_do_not_meet(name):
    network = build(name)
    x_t, t, c, shown = question(network, b=4)
    with torch.no_grad():
        together = network(x_t, t, c, shown)
        alone = torch.cat(
            [network(x_t[i : i + 1], t[i : i + 1], c[i : i + 1], shown[:1]) for i in range(4)]
        )
    assert torch.allclose(together, alone, atol=1e-5)


def test_the_state_makes_a_round_trip_through_a_file(name, tmp_path):
    network, other = build(name), DENOISERS[name](100, 1, 16, CHANNELS, 8, 6)
    save_tensors(tmp_path / "network.safetensors", network.state_dict())
    other.load_state_dict(load_tensors(tmp_path / "network.safetensors"))
    asked = question(network)
    with torch.no_grad():
        assert torch.equal(network(*asked), other(*asked))


@pytest.mark.parametrize("stem", [1, 2])
def test_the_same_unet_weights_run_at_other_sizes(stem):
    network = build("unet", 3, 32, stem=stem, blocks=1)
    for size in (32, 64, 16):
        with torch.no_grad():
            assert network(*question(network, b=1, size=size)).shape == (1, 3, size, size)


def test_the_unet_starts_by_saying_nothing():
    network = UNet(100, 1, 16, CHANNELS, 8, 6)
    assert not network(*question(network)).any()


@pytest.mark.slow
def test_the_learned_null_is_another_condition_than_the_average_picture():
    network = build("unet")
    x_t, t, c, shown = question(network)
    with torch.no_grad():
        null, average = network(x_t, t, c, 0 * shown), network(x_t, t, 0 * c, shown)
    assert (null - average).abs().max() > 1e-4


def test_dropout_acts_in_training_and_not_in_evaluation():
    network = build("unet", dropout=0.3)
    asked = question(network)
    with torch.no_grad():
        assert not torch.equal(network(*asked), network(*asked))
        network.eval()
        assert torch.equal(network(*asked), network(*asked))


def test_attention_can_be_left_out():
    with_it, without = build("unet", attention=8), build("unet", attention=0)
    assert any(isinstance(module, Attention) for module in with_it.modules())
    assert not any(isinstance(module, Attention) for module in without.modules())


@pytest.mark.parametrize(("size", "stem"), [(30, 1), (28, 2), (14, 1), (7, 1), (30, 2)])
def test_maps_that_the_levels_do_not_divide_are_halved_upwards(size, stem):
    network = UNet(100, 1, size, CHANNELS, 8, 6, stem=stem)
    said = network(*question(network, b=2))
    assert said.shape == (2, 1, size, size)
    network.leave.reset_parameters()
    network(*question(network, b=2)).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize("name", list(DENOISERS))
@pytest.mark.parametrize("size", [(16, 24), (24, 8)])
def test_every_network_takes_pictures_that_are_not_square(name, size):
    network = build(name, img_size=size)
    assert network.image_shape == (1, *size)
    _, t, c, c_mask = question(network, b=2, size=16)
    x_t = torch.randn(2, 1, *size, generator=torch.Generator().manual_seed(0))
    said = network(x_t, t, c, c_mask)
    assert said.shape == x_t.shape
    said.square().mean().backward()
    assert all(p.grad is not None for p in network.parameters())


@pytest.mark.slow
def test_attention_is_where_the_longer_side_is_short_enough():
    """Its cost grows with the number of positions, whatever the shape."""

    def levels(size):
        network = UNet(100, 1, size, CHANNELS, 8, 6, stem=1, attention=8)
        return [
            any(isinstance(one, Attention) for one in level.modules()) for level in network.down
        ]

    assert levels((8, 16)) == levels((16, 8)) == levels(16) == [False, True, True]
    assert levels((8, 32)) == levels(32) == [False, False, True]


@pytest.mark.parametrize(
    ("name", "size", "near"),
    [
        ("unet", (17, 24), "[16, 24] or data.image_size=[18, 24]"),
        ("unet", 27, "26 or data.image_size=28"),
        ("course_unet", (16, 22), "[16, 20] or data.image_size=[16, 24]"),
        ("pooled_unet", (3, 24), "[4, 24]"),
    ],
)
def test_a_size_that_does_not_fit_names_the_nearest_that_do(name, size, near):
    stem = {"stem": 2} if name == "unet" else {}
    with pytest.raises(UsageError, match="does not fit this network") as refused:
        build(name, img_size=size, **stem)
    assert f"choose data.image_size={near}, or " in refused.value.fix
    assert refused.value.param == "data.image_size"


@pytest.mark.parametrize(("size", "stem"), [(30, 4), (27, 2)])
def test_a_size_that_the_stem_does_not_divide_is_explained(size, stem):
    with pytest.raises(UsageError, match=f"data.image_size = {size} does not fit") as refused:
        UNet(100, 1, size, CHANNELS, 8, 6, stem=stem)
    assert refused.value.param == "data.image_size"


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ((1, 28, (64, 64, 128), 8, 10), 2_547_457),
        ((3, 32, (256, 256, 512), 8, 512), 44_900_355),
        ((1, 16, (64, 64, 128), 8, 10), 2_002_561),
    ],
    ids=["mnist", "flowers", "fashion"],
)
def test_the_course_network_has_the_exact_parameter_counts_of_the_course(options, count):
    img_ch, size, down_chs, t_dim, c_dim = options
    with torch.device("meta"):
        network = CourseUNet(400, img_ch, size, down_chs, t_dim, c_dim)
    assert sum(p.numel() for p in network.parameters()) == count


def test_the_course_network_is_bound_to_its_size_and_says_so():
    network = build("course_unet", 1, 16)
    with pytest.raises(UsageError, match="takes"):
        network(*question(network, size=32))
    with pytest.raises(UsageError, match=r"model\.arch=unet"):
        CourseUNet(100, 1, 30, CHANNELS)


def test_the_course_features_of_a_time_embedding_of_two_work():
    assert CourseUNet(100, 1, 16, CHANNELS, 2, 6).features(torch.arange(3)).shape == (3, 2)


@pytest.mark.parametrize("dim", [2, 8, 128])
@pytest.mark.parametrize("T", [50, 1000])
def test_the_time_embedding_tells_all_rows_apart(T, dim):
    features = TimeEmbedding(T, dim, 16).features(torch.arange(T))
    assert (features[1:] - features[:-1]).norm(dim=1).min() > 1e-2
    if dim >= 8:
        apart = torch.cdist(features, features) + 10 * torch.eye(T)
        assert apart.min() > 1e-2


def test_the_time_embedding_is_smooth_between_rows():
    embed = TimeEmbedding(1000, 128, 16)
    low, middle, high = embed.features(torch.tensor([500.0, 500.5, 501.0]))
    assert (middle - low).norm() < (high - low).norm()


@pytest.mark.parametrize("dim", [0, 1, 7])
def test_an_odd_time_embedding_is_refused(dim):
    with pytest.raises(UsageError, match="even"):
        TimeEmbedding(100, dim, 16)


def test_channels_that_do_not_divide_into_groups_are_named_with_the_groups():
    with pytest.raises(UsageError, match="20 channels cannot be split into 8 groups") as refused:
        group_norm(20, 8)
    assert refused.value.param == "model.down_chs"
    with pytest.raises(UsageError, match="20 channels"):
        UNet(100, 1, 16, (20, 40), 8, 6, norm_groups=8)


@pytest.mark.parametrize(("ch", "groups"), [(8, 1), (16, 1), (24, 1), (32, 2), (40, 2), (128, 8)])
def test_groups_hold_sixteen_channels_or_more_where_nobody_says_how_many(ch, groups):
    assert group_norm(ch).num_groups == groups
    network = UNet(100, 1, 16, (ch, ch), 8, 6, attention=0)
    assert network.norm.num_groups == groups


def test_attention_heads_that_do_not_divide_are_named():
    with pytest.raises(UsageError, match="attention heads"):
        Attention(104)


def test_every_block_can_be_used_alone():
    x, note = torch.randn(2, 16, 8, 8), torch.randn(2, 12)
    assert ResidualBlock(16, 24, 12)(x, note).shape == (2, 24, 8, 8)
    assert torch.equal(ResidualBlock(16, 16, 12)(x, note), x), "starts as the identity"
    assert torch.equal(Attention(16)(x), x), "starts as the identity"
    assert Downsample(16)(x).shape == (2, 16, 4, 4)
    assert Upsample(16, 8)(x).shape == (2, 8, 16, 16)
    assert ContextEmbedding(6, 12)(torch.randn(2, 6), torch.ones(2, 1)).shape == (2, 12)


def test_attention_is_scaled_dot_product_attention():
    torch.manual_seed(0)
    attention, x = Attention(64), torch.randn(2, 64, 4, 4)
    with torch.no_grad():
        attention.out.weight.copy_(torch.eye(64))
        tokens = attention.norm(x).flatten(2).transpose(1, 2)
        q, k, v = attention.qkv(tokens).unflatten(2, (3, 2, 32)).permute(2, 0, 3, 1, 4)
        exact = torch.nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        assert torch.allclose(attention(x) - x, exact.transpose(1, 2).view_as(x), atol=1e-5)


@pytest.mark.parametrize("name", DENOISERS)
def test_channels_that_cannot_be_normalised_in_groups_are_refused_by_key(name):
    eight = {"norm_groups": 8} if name == "unet" else {}
    odd = 13 if name == "pooled_unet" else 12  # it has groups of half the channels
    with pytest.raises(UsageError, match=f"{odd} channels") as refused:
        DENOISERS[name](100, 1, 16, (odd, odd, odd), 8, 6, **eight)
    assert refused.value.param == "model.down_chs"

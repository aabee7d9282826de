"""Contract of every bridge, the statistics of a condition, and the figures of a real CLIP."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ddpm_clip.conditioning.conditioner import BRIDGES, BridgeOptions, Conditioner, draw_levels
from ddpm_clip.conditioning.files import conditioner_of, tensors_of
from ddpm_clip.conditioning.nearest import NEIGHBOURS, SHARPNESS, _chosen
from ddpm_clip.conditioning.prior import Prior
from ddpm_clip.conditioning.statistics import evenly_spread as _spread
from ddpm_clip.errors import DataError, UsageError
from ddpm_clip.utils.tensors import load_tensors, save_tensors

DIM, N = 64, 600
GENERATOR_SEED = 5


def pairs(gap):
    """Unit image and text embeddings (n, e) that differ by a constant vector and a little noise.

    Pictures vary in 12 of 64 directions; the gap is orthogonal to them, as measured on CLIP.
    """
    generator = torch.Generator().manual_seed(GENERATOR_SEED)
    basis = torch.linalg.qr(torch.randn(DIM, DIM, generator=generator)).Q
    meaning = torch.randn(N, 12, generator=generator) @ basis[:12] / 12**0.5
    images = F.normalize(0.7 * meaning + 0.7 * basis[12], dim=1)
    residual = 0.036 * torch.randn(N, DIM, generator=generator)
    return images, F.normalize(images + gap * basis[13] + residual, dim=1)


@pytest.fixture(params=[0.0, 0.9], ids=["no gap", "gap"])
def gap(request):
    return request.param


def fitted(gap=0.9, **options):
    images, texts = pairs(gap)
    keys = [f"k{i}" for i in range(400)]
    conditioner = Conditioner.fit(images[:400], texts[:400], keys=keys, **options)
    conditioner.prior = Prior.fit(texts[:400], images[:400])
    return conditioner


def likeness(gap, bridge):
    """Centred cosine of each held-out text's condition with that of its own picture; radius."""
    images, texts = pairs(gap)
    conditioner = fitted(gap)
    own = conditioner.images(images[400:])[:, :-1]
    generators = [torch.Generator().manual_seed(i) for i in range(200)]
    asked = conditioner.texts(texts[400:], bridge, generators=generators)[:, :-1]
    return F.cosine_similarity(own, asked).mean().item(), rms(asked) / rms(own)


def rms(c):
    return c.square().sum(1).mean().sqrt().item()


# Bridges


@pytest.mark.parametrize("bridge", [name for name in BRIDGES if name != "identity"])
def test_a_bridge_recovers_a_planted_gap(bridge):
    plain, _ = likeness(0.9, "identity")
    bridged, radius = likeness(0.9, bridge)
    # `resample` has no more than the other 400 pictures to choose from
    assert bridged > plain + (0.1 if bridge == "resample" else 0.2), (plain, bridged)
    assert radius == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("bridge", BRIDGES)
def test_without_a_gap_no_bridge_is_much_worse_than_identity(bridge):
    plain, _ = likeness(0.0, "identity")
    bridged, _ = likeness(0.0, bridge)
    # `noise` keeps sqrt(1 - 0.4^2) = 0.917 of the direction on purpose, and `prior` paints
    # one of the pictures that the text may mean instead of their mean; so does `resample`, which
    # knows only the other 400.
    assert bridged > plain * {"noise": 0.9, "prior": 0.9, "resample": 0.75}.get(bridge, 0.95)


def test_to_resample_a_gap_makes_no_difference():
    with_gap, without = (likeness(gap, "resample")[0] for gap in (0.9, 0.0))
    assert with_gap == pytest.approx(without, abs=0.05)
    images, texts = pairs(0.9)
    conditioner = fitted()
    away = torch.cdist(conditioner.images(images[:400]), conditioner.texts(texts[400:], "resample"))
    assert away.min(0).values.median() > 0.2, "moved towards a neighbour"


def test_resample_draws_as_often_as_the_softmax_of_the_clip_says():
    conditioner, (_, texts) = fitted(), pairs(0.9)
    rows = F.normalize(conditioner.bank.float(), dim=1)
    p = (SHARPNESS * (rows @ texts[450])).double().softmax(0)
    generators = [torch.Generator().manual_seed(i) for i in range(3000)]
    drawn = [int(_chosen(p.log(), generator)) for generator in generators]
    share = torch.bincount(torch.tensor(drawn), minlength=400) / 3000
    likely = p > 0.01
    assert likely.sum() > 3
    assert (share[likely] - p[likely]).abs().max() < 4 * (0.25 / 3000) ** 0.5
    c = conditioner.texts(texts[450:451].expand(200, -1), "resample", generators=generators[:200])
    likeness_of = F.cosine_similarity(c[:, :-1], conditioner.images(rows[p.argmax()][None])[:, :-1])
    anywhere = F.cosine_similarity(
        conditioner.samples(generators[:200])[:, :-1],
        conditioner.images(rows[p.argmax()][None])[:, :-1],
    )
    assert likeness_of.mean() > anywhere.mean() + 0.3


def test_resample_needs_more_embeddings_than_neighbours():
    conditioner, (_, texts) = fitted(), pairs(0.9)
    conditioner.bank = conditioner.bank[:NEIGHBOURS]
    assert "resample" not in conditioner.bridges
    with pytest.raises(DataError, match="5 embeddings, 6 are needed"):
        conditioner.texts(texts[:1], "resample")


@pytest.mark.parametrize("bridge", BRIDGES)
def test_a_bridge_gives_one_condition_a_row_whatever_the_batch(bridge, gap):
    conditioner, (_, texts) = fitted(gap), pairs(gap)

    def asked(rows):
        generators = [torch.Generator().manual_seed(i) for i in rows]
        return conditioner.texts(texts[list(rows)], bridge, generators=generators)

    together = asked(range(5))
    assert together.shape == (5, conditioner.width)
    assert together.isfinite().all()
    assert torch.allclose(together[2:3], asked([2]), atol=1e-5)


def test_shift_takes_the_mean_text_to_the_mean_picture():
    conditioner, (_, texts) = fitted(), pairs(0.9)
    assert conditioner.texts(texts[:400], "shift", bounded=False)[:, :-1].mean(0).abs().max() < 1e-4
    assert conditioner.texts(texts[:400], "identity")[:, :-1].mean(0).norm() > 2


def test_the_stretch_of_shift_is_bounded():
    images, texts = pairs(0.9)
    conditioner = Conditioner.fit(images, F.normalize(texts.mean(0) + 1e-4 * texts, dim=1))
    tight = F.normalize(texts[:50], dim=1)
    exact = 1.4 * (tight - conditioner.mean_text) * DIM**0.5 / conditioner.radius_image
    assert torch.allclose(
        conditioner.texts(tight, "shift", bounded=False)[:, :-1], exact, atol=1e-4
    )


def test_the_noise_bridge_tells_its_level_to_the_network():
    conditioner, (_, texts) = fitted(), pairs(0.9)
    generators = [torch.Generator().manual_seed(i) for i in range(3)]
    assert (conditioner.texts(texts[:3], "noise", None, generators, False)[:, -1] == 0.4).all()
    assert (conditioner.texts(texts[:3], "noise", 0.7, generators, False)[:, -1] == 0.7).all()
    silent = conditioner.texts(texts[:3], "noise", 0.0, bounded=False)
    assert torch.equal(silent, conditioner.texts(texts[:3], "shift", bounded=False))


def test_knn_finds_the_pictures_that_were_described():
    _images, texts = pairs(0.9)
    conditioner = fitted()
    cosines, rows = conditioner.neighbours(texts[:50], 10)
    assert (rows[:, 0] == torch.arange(50)).float().mean() > 0.9
    assert (cosines.diff(dim=1) <= 0).all()
    assert conditioner.bank_keys[rows[3, 0]] == f"k{rows[3, 0]}"


def test_neighbours_are_those_of_the_centred_text_among_the_centred_pictures():
    generator = torch.Generator().manual_seed(0)
    shared = 2 * torch.randn(6, generator=generator)  # both clouds vary along their mean as well
    images, texts = (torch.randn(n, 6, generator=generator) + shared for n in (50, 20))
    conditioner = Conditioner.fit(images, texts)
    unit = F.normalize(images, dim=1).half().float()
    bank = unit - F.normalize(images, dim=1).mean(0)
    query = F.normalize(texts, dim=1) - F.normalize(texts, dim=1).mean(0)
    exact = F.normalize(query, dim=1) @ F.normalize(bank, dim=1).T
    cosines, rows = conditioner.neighbours(texts, 7)
    assert torch.allclose(cosines, exact.topk(7).values, atol=1e-5)
    assert torch.equal(rows, exact.topk(7).indices)


def test_knn_without_enough_bank_is_refused_with_another_bridge_to_take():
    _images, texts = pairs(0.9)
    for conditioner in (fitted(bank_size=0), fitted(bank_size=9)):
        with pytest.raises(DataError, match="10 are needed") as refused:
            conditioner.texts(texts[:1], "knn")
        assert refused.value.param == "bridge"


def test_a_model_without_a_prior_says_so_and_which_bridge_to_take():
    conditioner = fitted()
    conditioner.prior = None
    with pytest.raises(UsageError, match="packed without a prior") as refused:
        conditioner.texts(pairs(0.9)[1][:1], "prior")
    assert refused.value.param == "bridge"
    assert "--bridge shift" in refused.value.fix


def test_a_conditioner_knows_which_bridges_it_can_cross():
    assert fitted().bridges == list(BRIDGES)
    bare = fitted(bank_size=0)
    bare.prior = None
    assert bare.bridges == ["identity", "shift", "noise"]


def test_embeddings_come_back_from_their_conditions():
    images, _ = pairs(0.9)
    conditioner = fitted()
    assert torch.allclose(conditioner.embeddings(conditioner.images(images)), images, atol=1e-5)
    raw = fitted(mode="raw")
    assert torch.equal(raw.embeddings(raw.images(images)), images)


def test_knn_with_few_neighbours_is_refused():
    conditioner = fitted(options=BridgeOptions(knn_k=3))
    with pytest.raises(UsageError, match="below 4"):
        conditioner.texts(pairs(0.9)[1][:1], "knn")


def test_an_unknown_bridge_names_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'shift'"):
        fitted().texts(pairs(0.9)[1][:1], "shfit")


def test_texts_of_another_embedder_are_refused():
    with pytest.raises(UsageError, match="size 32 for a model that needs size 64"):
        fitted().texts(torch.ones(1, 32))


def test_no_text_at_all_is_no_error():
    assert fitted().texts(torch.empty(0, DIM)).shape == (0, DIM + 1)


# Conditions


@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_a_condition_has_unit_rms_a_coordinate_whatever_the_length_of_the_embedding(scale):
    images, _ = pairs(0.9)
    c = fitted().images(scale * images[:400])
    assert c.shape == (400, DIM + 1)
    assert c[:, :-1].square().sum(1).mean().item() == pytest.approx(DIM, rel=1e-4)
    assert c[:, :-1].mean(0).abs().max() < 1e-4
    assert (c[:, -1] == 0).all()


def test_noise_keeps_the_radius_and_its_level_is_the_last_coordinate():
    images, _ = pairs(0.9)
    conditioner, generator = fitted(), torch.Generator().manual_seed(0)
    level = torch.linspace(0, 1, 400)
    c = conditioner.images(images[:400], level, generator)
    assert torch.equal(c[:, -1], level)
    assert c[:, :-1].square().sum(1).mean().item() == pytest.approx(DIM, rel=0.05)
    clean = conditioner.images(images[:400])
    assert torch.equal(c[0], clean[0]), "level 0 is untouched"
    kept = F.cosine_similarity(c[:, :-1], clean[:, :-1])
    assert kept[10:50].mean() > 0.95 > 0.5 > kept[-40:].mean()


@pytest.mark.slow
def test_half_of_the_noise_lies_where_pictures_vary():
    conditioner, n = fitted(), 40_000
    z = conditioner.images(pairs(0.9)[0][:1].expand(n, -1), 1.0, torch.Generator().manual_seed(0))[
        :, :-1
    ]
    covariance = z.T @ z / n
    shaped = DIM * conditioner.covariance / conditioner.covariance.trace()
    assert (covariance - (0.5 * torch.eye(DIM) + 0.5 * shaped)).abs().max() < 0.15
    assert covariance.trace().item() == pytest.approx(DIM, rel=0.02)


@pytest.mark.parametrize("prob", [0.0, 0.25, 0.5, 1.0])
def test_training_levels_are_0_or_uniform_below_the_top(prob):
    level = draw_levels(20_000, 0.8, prob, torch.Generator().manual_seed(0))
    noised = level[level > 0]
    assert len(noised) / 20_000 == pytest.approx(prob, abs=0.015)
    assert level.max() <= 0.8
    if prob:
        assert noised.mean().item() == pytest.approx(0.4, abs=0.015)
        assert noised.max() > 0.79


def test_raw_mode_hands_embeddings_through_untouched():
    images, texts = pairs(0.9)
    conditioner = fitted(mode="raw")
    assert conditioner.width == conditioner.dim == DIM
    assert torch.equal(conditioner.images(10 * images, 0.5), 10 * images)
    assert torch.equal(conditioner.texts(10 * texts, "shift"), 10 * texts)


def test_a_single_picture_and_no_text_make_finite_conditions():
    one = F.normalize(torch.randn(1, DIM, generator=torch.Generator().manual_seed(0)), dim=1)
    conditioner = Conditioner.fit(one, torch.empty(0, DIM))
    generator = torch.Generator().manual_seed(0)
    assert not conditioner.images(one).any()
    assert conditioner.images(one, 0.5, generator).isfinite().all()
    for bridge in ("identity", "shift", "noise"):
        asked = conditioner.texts(-one, bridge, generators=[generator])
        assert asked.isfinite().all(), bridge


def test_without_texts_there_is_no_gap_to_bridge():
    images, _ = pairs(0.9)
    conditioner = Conditioner.fit(images, torch.empty(0, DIM))
    same = conditioner.texts(images[:5], "shift"), conditioner.images(images[:5])
    assert torch.allclose(*same, atol=1e-5)


def test_the_bank_holds_at_most_as_many_as_asked_spread_over_all():
    conditioner = fitted(bank_size=50)
    assert conditioner.bank.shape == (50, DIM)
    assert conditioner.bank.dtype == torch.float16
    assert conditioner.bank_keys[0] == "k0"
    assert conditioner.bank_keys[-1] == "k399"
    assert len(set(conditioner.bank_keys)) == 50


def test_the_bank_is_spread_to_the_last_of_many_rows():
    n = 2**24 + 4
    assert _spread(n, 4).tolist() == [0, 5592406, 11184813, n - 1]
    assert _spread(3, 4).tolist() == [0, 1, 2]


def test_a_conditioner_makes_a_round_trip_through_a_file(tmp_path):
    conditioner, (images, texts) = fitted(prompts=["a", "b"]), pairs(0.9)
    save_tensors(tmp_path / "c.safetensors", tensors_of(conditioner))
    again = conditioner_of(
        load_tensors(tmp_path / "c.safetensors"),
        bank_keys=conditioner.bank_keys,
        prompts=conditioner.prompts,
        options=conditioner.options,
        mode=conditioner.mode,
    )
    assert torch.equal(again.images(images), conditioner.images(images))
    for bridge in BRIDGES:
        generators = [[torch.Generator().manual_seed(i) for i in range(5)] for _ in range(2)]
        asked = [
            c.texts(texts[:5], bridge, generators=g)
            for c, g in zip((conditioner, again), generators, strict=True)
        ]
        assert torch.equal(*asked)
    assert again.bank_keys == conditioner.bank_keys
    assert again.prompts == ["a", "b"]


def test_the_bank_can_be_left_behind():
    conditioner = fitted()
    again = conditioner_of(
        tensors_of(conditioner, bank=False),
        bank_keys=conditioner.bank_keys,
        prompts=(),
        options=BridgeOptions(),
        mode="centred",
    )
    assert len(again.bank) == 0
    assert again.bank_keys == []


# A real CLIP: 500 pairs of COCO


@pytest.fixture(scope="module")
def coco(data_root):
    file = np.load(data_root / "clip_pairs" / "coco500_clip_vitb.npz", allow_pickle=False)
    return tuple(
        F.normalize(torch.from_numpy(file[kind]).float(), dim=1) for kind in ("image", "text")
    )


@pytest.mark.data
def test_the_gap_of_a_real_clip_is_the_published_one(coco):
    images, texts = coco
    conditioner = Conditioner.fit(images, texts)
    assert (images * texts).sum(1).mean().item() == pytest.approx(0.310, abs=1e-3)
    gap = (conditioner.mean_image - conditioner.mean_text).norm().item()
    assert gap == pytest.approx(0.851, abs=1e-3)


@pytest.mark.slow
@pytest.mark.data
def test_shift_brings_real_texts_to_where_real_pictures_are(coco):
    images, texts = coco
    figures = {bridge: [] for bridge in ("identity", "shift")}
    for split in range(5):
        order = torch.randperm(500, generator=torch.Generator().manual_seed(split))
        bank, held = order[:350], order[350:]
        conditioner = Conditioner.fit(images[bank], texts[bank])
        near, own = (conditioner.images(images[rows])[:, :-1] for rows in (bank, held))
        for bridge, rows in figures.items():
            asked = conditioner.texts(texts[held], bridge)[:, :-1]
            rows.append(
                [
                    F.cosine_similarity(asked, own).mean().item(),
                    nearest(asked, near) / nearest(own, near),
                ]
            )
    identity, shift = (torch.tensor(rows).mean(0).tolist() for rows in figures.values())
    assert identity == pytest.approx([0.194, 3.40], abs=0.08)
    assert shift == pytest.approx([0.315, 1.47], abs=0.08)


def nearest(c, bank):
    """Mean squared distance to the nearest of the bank: 2 (1 - cosine) on the sphere."""
    return torch.cdist(c, bank).min(1).values.square().mean().item()


def test_statistics_go_by_the_rows_that_are_chosen_whatever_the_chunk(monkeypatch):
    generator = torch.Generator().manual_seed(3)
    images = F.normalize(torch.randn(90, DIM, generator=generator) + 0.5, dim=1)
    texts = F.normalize(torch.randn(9, DIM, generator=generator), dim=1)
    rows, keys = torch.arange(0, 90, 2), [f"k{i}" for i in range(90)]
    alone = Conditioner.fit(images[rows], texts, keys=[keys[i] for i in rows])
    monkeypatch.setattr("ddpm_clip.conditioning.statistics.CHUNK", 7)
    chosen = Conditioner.fit(images, texts, rows=rows, keys=keys)
    for name, tensor in tensors_of(alone).items():
        torch.testing.assert_close(tensors_of(chosen)[name], tensor, atol=1e-6, rtol=1e-5)
    assert chosen.bank_keys == alone.bank_keys

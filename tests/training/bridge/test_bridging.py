"""A run's prior and its own bridge: pairs, the choice, and what a run remembers of it."""

import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ddpm_clip.conditioning.conditioner import BridgeOptions, Conditioner
from ddpm_clip.conditioning.files import load_conditioner, read_note
from ddpm_clip.conditioning.prior import Prior
from ddpm_clip.config.schema import Config
from ddpm_clip.data.sources import open_source
from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.errors import DataError, UsageError
from ddpm_clip.runs.run import Run
from ddpm_clip.training.bridge.bridge_choice import FEWEST_PAIRS, choose
from ddpm_clip.training.bridge.bridging import add_prior
from ddpm_clip.training.bridge.pairs import (
    NEIGHBOURS,
    captions_of,
    embedded,
    heldout_pseudo_pairs,
    pseudo_pairs,
)
from ddpm_clip.training.prepare.preparation import prepare
from ddpm_clip.training.prepare.start import start_run
from ddpm_clip.utils.generators import finish
from tests.packed_before import before_priors

DIM = 32


def group(gap=0.9, kinds=0, blur=0.02, n=500, seed=0):
    """Unit images and texts; with `kinds`, pictures lie in so many tight heaps, else all over."""
    g = torch.Generator().manual_seed(seed)
    basis = torch.linalg.qr(torch.randn(DIM, DIM, generator=torch.Generator().manual_seed(9))).Q
    places = torch.randn(kinds or 1, 12, generator=torch.Generator().manual_seed(8))
    kind = torch.randint(kinds or 1, (n,), generator=g)
    spread = 0.1 if kinds else 1.0
    own = (places[kind] if kinds else 0) + spread * torch.randn(n, 12, generator=g)
    said = places[kind] if kinds else own
    images = F.normalize(basis[12] + own @ basis[:12] / 12**0.5, dim=1)
    meant = F.normalize(basis[12] + said @ basis[:12] / 12**0.5, dim=1)
    texts = meant + gap * basis[13] + blur * torch.randn(n, DIM, generator=g)
    return images, F.normalize(texts, dim=1)


def chosen(prior=False, **how):
    images, texts = group(**how)
    conditioner = Conditioner.fit(images[:400], texts[:400])
    conditioner.prior = Prior.fit(texts[:400], images[:400]) if prior else None
    return choose(conditioner, texts[400:], images[400:])


# The choice


def test_shift_is_chosen_where_every_picture_has_its_own_words():
    choice = chosen(gap=0.9)
    assert choice.bridge == "shift"
    assert choice.figures["identity"]["centred_cosine"] < choice.figures["shift"]["centred_cosine"]


def test_knn_is_chosen_where_words_name_heaps_of_pictures_and_stray_from_them():
    choice = chosen(kinds=6, blur=0.1)
    assert choice.bridge == "knn"
    assert "of shift on 100 held-out captions" in choice.reason


def test_the_prior_is_chosen_where_words_leave_much_open():
    choice = chosen(prior=True, kinds=6, blur=0.1)
    assert choice.bridge == "prior"
    scores = {name: figures["energy_score"] for name, figures in choice.figures.items()}
    assert scores["prior"] < scores["knn"] < scores["shift"] < scores["identity"]


def test_without_a_gap_it_is_a_tie_and_ties_go_to_shift():
    assert chosen(gap=0.0).bridge == "shift"


def test_few_pairs_choose_nothing_and_say_so():
    images, texts = group()
    conditioner = Conditioner.fit(images, texts)
    for n, words in (
        (0, "no captions"),
        (FEWEST_PAIRS - 1, f"{FEWEST_PAIRS - 1} held-out captions"),
    ):
        choice = choose(conditioner, texts[:n], images[:n])
        assert choice.bridge == "shift"
        assert words in choice.reason
    bare = Conditioner.fit(images, texts, bank_size=0)
    assert "no bank" in choose(bare, texts, images).reason


@pytest.mark.slow
@pytest.mark.data
def test_on_a_real_clip_shift_stays_since_neighbours_lose_the_detail(data_root):
    file = np.load(data_root / "clip_pairs" / "coco500_clip_vitb.npz", allow_pickle=False)
    images, texts = (F.normalize(torch.from_numpy(file[k]), dim=1) for k in ("image", "text"))
    conditioner = Conditioner.fit(images[:350], texts[:350])
    conditioner.prior = Prior.fit(texts[:350], images[:350])
    choice = choose(conditioner, texts[350:], images[350:])
    assert choice.bridge == "shift"
    figures = choice.figures
    assert figures["knn"]["centred_cosine"] > figures["shift"]["centred_cosine"] + 0.1
    for name in ("knn", "prior"):
        assert figures[name]["energy_score"] < figures["shift"]["energy_score"] - 0.05
        assert figures[name]["reciprocal_rank"] < figures["shift"]["reciprocal_rank"] - 0.1


# The choice without captions


def chosen_without_captions(images, texts, n, prompts=60):
    """The texts are a prompt bank; nobody says which picture each describes."""
    conditioner = Conditioner.fit(images[:n], texts[:prompts])
    conditioner.prior = Prior.fit(*pseudo_pairs(conditioner, texts[:prompts]), pseudo=True)
    pairs = heldout_pseudo_pairs(conditioner, texts[:prompts], images[n:])
    return choose(conditioner, *pairs, pictures_a_text=NEIGHBOURS)


def test_without_captions_knn_is_chosen_where_words_name_heaps_of_pictures():
    choice = chosen_without_captions(*group(kinds=6, blur=0.1), 400)
    assert choice.bridge == "knn"
    assert "of shift on 300 held-out pseudo-pairs" in choice.reason
    assert "prior" not in choice.figures, "it would be judged by the pairs that it was fitted on"


@pytest.mark.parametrize("gap", [0.0, 0.9])
def test_without_captions_shift_stays_where_every_picture_has_its_own_words(gap):
    assert chosen_without_captions(*group(gap=gap), 400).bridge == "shift"


@pytest.mark.slow
@pytest.mark.data
def test_without_captions_shift_stays_on_a_real_clip_as_with_them(data_root):
    file = np.load(data_root / "clip_pairs" / "coco500_clip_vitb.npz", allow_pickle=False)
    images, texts = (F.normalize(torch.from_numpy(file[k]), dim=1) for k in ("image", "text"))
    choice = chosen_without_captions(images.float(), texts.float(), 350)
    assert choice.bridge == "shift"
    scores = {name: figures["energy_score"] for name, figures in choice.figures.items()}
    assert scores["knn"] < 0.95 * scores["shift"], "the detail decides, not the distance"


# Pairs


def test_captions_say_what_is_true_of_their_picture():
    source = open_source("drawn-flowers:30")
    found = captions_of(source, list(range(30)), np.arange(10, 30), most=10)
    assert len(found) == 10
    for row, text in found:
        assert 10 <= row < 30
        words = text.lower()
        facts = source.facts(row)
        named = [kind for kind in ("rose", "tulip", "daisy", "sunflower", "lily") if kind in words]
        assert all(facts["species"] == kind for kind in named)
    assert found == captions_of(source, list(range(30)), np.arange(10, 30), most=10)


def test_few_pictures_get_several_captions_each():
    source = open_source("drawn-flowers:5")
    rows = [row for row, _ in captions_of(source, list(range(5)), np.arange(5))]
    assert set(rows) == set(range(5))
    assert 5 < len(rows) <= 20


def test_pictures_of_which_nothing_is_known_give_no_pairs(tmp_path):
    from ddpm_clip.data.local.drawn_flowers import write_folder

    write_folder(tmp_path, 6, size=16, seed=0)
    for path in list(tmp_path.rglob("*.png")):  # no folder a class, no captions beside
        path.rename(tmp_path / path.name)
    source = open_source(str(tmp_path))
    if source.label(0) is None and source.caption(0) is None and not source.facts(0):
        assert captions_of(source, list(range(len(source))), np.arange(len(source))) == []


def test_each_caption_is_embedded_once_and_progress_is_told():
    clip = MiniClip(1, 16, dim=8, width=8, text_width=32).eval()
    work = embedded(clip, ["a rose", "a tulip", "a rose"])
    assert next(work).total == 2
    rows = finish(work)
    assert torch.equal(rows[0], rows[2])
    assert torch.allclose(rows[:2], clip.embed_texts(["a rose", "a tulip"]), atol=1e-5)
    assert finish(embedded(clip, [])).shape == (0, 8)


def test_pseudo_pairs_put_a_text_beside_its_nearest_pictures():
    images, texts = group(kinds=6)
    conditioner = Conditioner.fit(images, texts)
    asked, near = pseudo_pairs(conditioner, texts[:10])
    assert asked.shape == near.shape == (50, DIM)
    assert F.cosine_similarity(near, images[:10].repeat_interleave(5, 0)).min() > 0.9
    assert torch.equal(asked, texts[:10].repeat_interleave(5, 0)), "a text beside its own pictures"
    _, rows = conditioner.neighbours(texts[:10], 5)
    assert torch.equal(near, conditioner.bank[rows.flatten()].float())


def test_heldout_pseudo_pairs_are_nearest_once_both_are_centred():
    images, texts = group(kinds=6)
    conditioner = Conditioner.fit(images[:400], texts[:400])
    asked, near = heldout_pseudo_pairs(conditioner, texts[400:410], 3 * images[400:])
    assert torch.equal(asked, texts[400:410].repeat_interleave(NEIGHBOURS, 0))
    own = images[400:410].repeat_interleave(NEIGHBOURS, 0)
    assert F.cosine_similarity(near, own).min() > 0.9
    assert torch.allclose(near.norm(dim=1), torch.ones(len(near)))
    few = heldout_pseudo_pairs(conditioner, texts[:10], images[400:402])
    assert len(few[0]) == len(few[1]) == 20


# What a run remembers


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    torch.manual_seed(0)
    prompts = ["a rose", "a tulip", "a red rose", "a daisy", "a lily", "one white tulip"]
    MiniClip(3, 16, dim=8, width=8, text_width=32).save(folder, prompts=prompts, card={})
    return folder


def settings(clip, **conditioning):
    return Config.model_validate(
        {
            "data": {"source": "drawn-flowers:60", "image_size": 16},
            "model": {"down_chs": (8, 16), "blocks": 1, "t_embed_dim": 8, "attention": 0},
            "embedder": {"name": "mini_clip", "model": str(clip)},
            "conditioning": conditioning,
            "training": {"steps": 1, "device": "cpu"},
        }
    )


def prepared(folder, config):
    run = start_run(folder, config)
    with run.writing():
        return run, finish(prepare(run)).conditioner


@pytest.mark.slow
def test_a_run_notes_its_bridge_and_what_its_prior_was_fitted_on(tmp_path, clip):
    run, conditioner = prepared(tmp_path / "run", settings(clip))
    note = read_note(run.folder)
    assert note["bridge"] == conditioner.options.bridge == run.config.conditioning.bridge
    assert Run.open(run.folder).config.conditioning.bridge == note["bridge"]
    assert "30 held-out pseudo-pairs" in note["reason"]  # 6 prompts, 5 pictures each
    assert note["prior"]["pairs"] == "captions"
    assert note["prior"]["n"] == conditioner.prior.n > 54  # of 54 pictures, several sentences each
    opened = load_conditioner(run.folder, BridgeOptions())
    assert torch.equal(opened.prior.weights, conditioner.prior.weights)


@pytest.mark.slow
def test_what_the_configuration_says_always_wins(tmp_path, clip):
    run, conditioner = prepared(tmp_path / "run", settings(clip, bridge="identity"))
    assert read_note(run.folder)["reason"] == "as configured"
    assert conditioner.options.bridge == run.config.conditioning.bridge == "identity"
    assert conditioner.prior is not None


@pytest.mark.slow
def test_a_measured_choice_is_written_into_the_run_and_kept(tmp_path, clip, monkeypatch):
    from ddpm_clip.training.bridge import bridging
    from ddpm_clip.training.bridge.bridge_choice import Choice

    monkeypatch.setattr(bridging, "choose", lambda *pairs, **kind: Choice("knn", "for the test"))
    run, _ = prepared(tmp_path / "run", settings(clip))
    assert run.config.conditioning.bridge == "knn"
    again, conditioner = prepared(tmp_path / "run", settings(clip))
    assert again.config.conditioning.bridge == conditioner.options.bridge == "knn"
    follower = Run(run.folder, settings(clip, bridge="shift"))  # as another process opened it
    data = finish(prepare(follower, skip_extraction=True, writes=False))
    assert data.conditioner.options.bridge == "knn"


@pytest.mark.slow
def test_raw_embeddings_get_neither_a_prior_nor_a_choice(tmp_path, clip):
    run, conditioner = prepared(tmp_path / "run", settings(clip, mode="raw"))
    assert conditioner.prior is None
    assert read_note(run.folder) == {
        "bridge": "shift",
        "reason": "not used: the mode is raw",
        "prior": None,
    }


@pytest.mark.slow
def test_show_says_which_bridge_and_why(tmp_path, clip):
    from ddpm_clip.cli.commands.show import _lines
    from ddpm_clip.runs.pretrained import describe

    run, _ = prepared(tmp_path / "run", settings(clip))
    shown = dict(_lines(describe(run.folder)))
    assert shown["bridge"].startswith("shift (the default: 30 held-out pseudo-pairs")
    assert shown["prior"].endswith("captions")


@pytest.fixture
def packed(tmp_path):
    """A copy of a shipped model, as if it had been packed before there were priors."""
    return before_priors("flowers", tmp_path)


@pytest.mark.slow
def test_a_packed_model_gets_a_prior_afterwards(packed):
    from ddpm_clip.generation.text_to_image import TextToImage

    prior = add_prior(packed)
    assert prior.pseudo
    note = json.loads((packed / "bridge.json").read_text())
    assert note["prior"] == {"pairs": "pseudo-pairs", "n": prior.n}
    tti = TextToImage.from_pretrained(packed, "cpu")
    both = [tti(["a red rose"], seed=s, steps=2, bridge="prior")[0].tobytes() for s in (3, 4)]
    assert both[0] != both[1]
    assert tti(["a red rose"], seed=3, steps=2, bridge="prior")[0].tobytes() == both[0]


@pytest.mark.slow
def test_pairs_for_a_prior_must_be_enough_and_of_the_same_embedder(packed):
    with pytest.raises(UsageError, match="for a model that needs size 96"):
        add_prior(packed, (torch.randn(50, 9), torch.randn(50, 9)))
    with pytest.raises(DataError, match="cannot fit a prior on"):
        add_prior(packed, (torch.randn(5, 96), torch.randn(5, 96)))
    assert add_prior(packed, (torch.randn(50, 96), torch.randn(50, 96))).n == 50

"""A .pth of an earlier project becomes a model that paints, and says what it has to be told."""

import pytest
import torch
from legacy_files import clip_state, course_answer, course_state, pooled_state

from ddpm_clip import TextToImage
from ddpm_clip.diffusion.schedules import NoiseSchedule
from ddpm_clip.errors import CannotCreate, DataError, MissingInput, UsageError
from ddpm_clip.runs.legacy_weights import CLIP_LENGTH, import_legacy
from ddpm_clip.runs.pretrained import describe, load
from ddpm_clip.utils import pickled

CLASSES = ("zero", "one", "two", "three")


@pytest.fixture
def here(monkeypatch):
    """Reads .pth files in this process: what the child does has tests of its own."""

    def read(path):
        if not path.exists():
            raise FileNotFoundError(path)
        found = torch.load(path, weights_only=True)
        groups = {k: v for k, v in found.items() if k in ("model", "ema")} or {"": found}
        return pickled.Unpickled(groups, found.get("config") or {})

    monkeypatch.setattr("ddpm_clip.runs.legacy_weights.read_pickled", read)


def saved(path, thing):
    torch.save(thing, path)
    return path


@pytest.mark.slow
def test_a_class_network_paints_with_the_averaged_weights_and_its_own_schedule(here, tmp_path):
    plain, average = course_state(later=True), course_state(later=True, seed=1)
    config = {"diffusion": {"timesteps": 30, "beta_start": 0.001, "beta_end": 0.04}}
    file = saved(tmp_path / "9.pth", {"model": plain, "ema": average, "config": config})
    model = load(import_legacy(file, tmp_path / "m", classes=CLASSES), "cpu")
    theirs = NoiseSchedule.from_betas(torch.linspace(0.001, 0.04, 30))
    assert torch.allclose(model.ddpm.schedule.alpha, theirs.alpha)
    draws = torch.Generator().manual_seed(0)
    x, t = torch.randn(2, 1, 8, 8, generator=draws), torch.tensor([3.0, 29.0])
    c = model.conditioner.texts(model.embedder.embed_texts(["two", "zero"]))
    assert c.tolist() == [[0, 0, 1, 0], [1, 0, 0, 0]]
    with torch.no_grad():
        said = model.network(x, t, c, torch.ones(2, 1))
    assert torch.allclose(said, course_answer(average, True, 30, x, t, c), atol=2e-5)
    (picture,) = TextToImage(model)("two", n=1, steps=3)
    assert picture.size == (8, 8)
    assert "9.pth" in describe(tmp_path / "m")["card"]["imported from"]


@pytest.mark.slow
def test_the_network_with_its_own_clip_wants_it_and_paints_from_words(here, tmp_path):
    file, clip = saved(tmp_path / "d.pth", pooled_state()), saved(tmp_path / "c.pth", clip_state())
    with pytest.raises(UsageError, match="embeddings of size 2") as refused:
        import_legacy(file, tmp_path / "m")
    assert refused.value.param == "clip"
    with pytest.raises(UsageError, match="of size 2"):
        import_legacy(file, tmp_path / "m", clip=saved(tmp_path / "e.pth", clip_state(dim=3)))
    with pytest.raises(UsageError, match="20 timesteps, not 30"):
        import_legacy(file, tmp_path / "m", clip=clip, timesteps=30)
    model = load(import_legacy(file, tmp_path / "m", clip=clip), "cpu")
    assert model.config.diffusion.timesteps == 20
    six, one = TextToImage(model)(["six", "one"], n=1, steps=2)
    assert six.size == (32, 32)
    assert six.tobytes() != one.tobytes()


@pytest.mark.slow
def test_a_network_of_a_pretrained_clip_gets_embeddings_as_long_as_that_clip_gives(here, tmp_path):
    file = saved(tmp_path / "x.pth", course_state(later=False, c_dim=512))
    model = load(import_legacy(file, tmp_path / "m", timesteps=40), "cpu")
    assert model.config.embedder.model == "openai/clip-vit-base-patch32"
    c = model.conditioner.texts(torch.eye(512)[:2])
    assert c.norm(dim=1).tolist() == pytest.approx([CLIP_LENGTH] * 2)
    assert torch.allclose(model.conditioner.embeddings(c), torch.eye(512)[:2])


def test_what_the_file_does_not_say_has_to_be_said(here, tmp_path):
    file = saved(tmp_path / "x.pth", course_state(later=False))
    with pytest.raises(UsageError, match="it has size 4"):
        import_legacy(file, tmp_path / "m")
    with pytest.raises(UsageError, match="2 class names for a network of 4 classes"):
        import_legacy(file, tmp_path / "m", classes=("a", "b"))
    assert not (tmp_path / "m").exists()


def test_refusals_leave_nothing_behind(here, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "x").touch()
    file = saved(tmp_path / "x.pth", {"layer1.0.conv1.weight": torch.zeros(1)})
    with pytest.raises(CannotCreate):
        import_legacy(file, tmp_path / "taken")
    with pytest.raises(MissingInput):
        import_legacy(tmp_path / "none.pth", tmp_path / "m")
    with pytest.raises(DataError, match="residual network"):
        import_legacy(file, tmp_path / "m")
    short = course_state(later=True)
    del short["up2.model.3.conv.weight"]
    with pytest.raises(DataError, match="not those of a complete network"):
        import_legacy(saved(tmp_path / "y.pth", short), tmp_path / "m", classes=CLASSES)
    assert not (tmp_path / "m").exists()


@pytest.mark.slow
def test_the_command_reads_by_its_child_and_paints_afterwards(cli, tmp_path):
    file = saved(tmp_path / "x.pth", {"model": course_state(later=True), "epoch": 9})
    ended = cli("import-legacy", file, "--out", tmp_path / "m", "--classes", ",".join(CLASSES))
    assert (ended.code, ended.out.strip()) == (0, str(tmp_path / "m"))
    painted = cli(
        "generate",
        "two",
        "--model",
        tmp_path / "m",
        "--steps",
        2,
        "-n",
        1,
        "--out",
        tmp_path / "two.png",
    )
    assert painted.code == 0
    assert (tmp_path / "two.png").is_file()

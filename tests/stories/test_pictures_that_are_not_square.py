"""Every command on a model whose pictures are 24 wide and 16 high; see also the tests of parts."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ddpm_clip import TextToImage
from ddpm_clip.cli.main import main
from ddpm_clip.data.local.drawn_flowers import write_folder
from ddpm_clip.explain import EXPLANATIONS
from ddpm_clip.runs.run import Run

SHAPE = ("--set", "data.image_size=[16, 24]")
SMALL = (
    *("--set", "model.down_chs=[16, 32]", "--set", "model.blocks=1"),
    *("--set", "training.batch_size=8", "--set", "training.dtype=float32"),
    *("--set", "training.sample_every=2", "--set", "training.heldout_every=2"),
    *("--set", "generation.prompts=[a red rose]", "--set", "generation.steps=2"),
)
CLIP = ("--dim", 8, "--set", "embedder.width=8", "--set", "embedder.text_width=8")


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder with pictures of 40x30, a CLIP and a run of 24x16, and the run packed."""
    folder = tmp_path_factory.mktemp("landscape")
    for name, seed in (("rose", 1), ("lily", 2)):
        write_folder(folder / "photos" / name, 24, size=40, seed=seed)
    for path in sorted((folder / "photos").rglob("*.png")):
        with Image.open(path) as image:
            wide = image.convert("RGB").crop((0, 4, 40, 34))
        wide.save(path)

    def ran(*words: object) -> None:
        assert main(["-q", *map(str, words)]) == 0

    photos, clip = str(folder / "photos"), str(folder / "clip")
    ran("train-clip", photos, *SHAPE, *CLIP, "--steps", 2, "--out", clip)
    own = ("--set", "embedder.name=mini_clip", "--set", f"embedder.model={clip}")
    crops = ("--set", "data.flip=true", "--set", "data.random_crop=1")
    ran("train", photos, *SHAPE, *SMALL, *own, *crops, "--steps", 4, "--out", folder / "run")
    ran("pack", folder / "run", "--out", folder / "model")
    return folder


@pytest.fixture(autouse=True)
def here(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if "home" in request.fixturenames:
        picture = sorted((request.getfixturevalue("home") / "photos").rglob("*.png"))[0]
        Path("picture.png").write_bytes(picture.read_bytes())
        mask = Image.new("L", (40, 30), 0)
        mask.paste(255, (0, 0, 20, 30))
        mask.save("mask.png")


def said(ended):
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def size(path):
    with Image.open(path) as image:
        return image.size


@pytest.mark.slow
def test_the_config_shows_the_size_as_it_is_written(cli):
    shown = cli("train", "photos/", *SHAPE, "--print-config")
    assert "image_size: [16, 24]" in shown.out
    squares = cli("train", "photos/", "--set", "data.image_size=[16, 16]", "--print-config")
    assert "image_size: 16 " in squares.out


def test_a_size_that_the_network_cannot_halve_names_the_nearest(cli):
    write_folder(Path("photos"), 2, size=16, seed=1)
    refused = cli("train", "photos", "--set", "data.image_size=[17, 24]", "--out", "run")
    assert refused.code == 2
    assert "data.image_size=[16, 24] or data.image_size=[18, 24]" in refused.err
    assert not Path("run").exists()


@pytest.mark.slow
def test_a_run_holds_what_was_asked_for(home, cli):
    assert "24x16, 3 channel(s)" in cli("show", home / "run").out
    assert "24x16, 3 channel(s)" in cli("show", home / "model").out
    assert Run.open(home / "run").config.data.image_size == (16, 24)
    assert json.loads((home / "clip" / "mini_clip.json").read_text())["options"]["img_size"] == [
        16,
        24,
    ]


@pytest.mark.slow
@pytest.mark.parametrize("which", ["run", "model"])
def test_pictures_are_painted_and_reproduced(home, cli, which):
    model = home / which
    painted = said(cli("generate", "a red rose", "--model", model, "-n", 2, "--steps", 2, "--json"))
    assert [size(one["file"]) for one in painted] == [(24, 16), (24, 16)]
    with Image.open(painted[0]["file"]) as image:
        assert json.loads(image.text["ddpm_clip"])["size"] == "24x16"
    again = cli("reproduce", painted[0]["file"], "--model", model)
    assert again.code == 0, again.out + again.err


@pytest.mark.slow
def test_a_size_is_asked_with_the_width_first(home, cli):
    words = ("generate", "a red rose", "--model", home / "run", "-n", 1, "--steps", 2)
    assert cli(*words, "--size", "24x16").code == 0
    refused = cli(*words, "--size", "16x24")
    assert refused.code == 2
    assert "the model paints 24x16 only; the width comes first" in refused.err


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("vary", "picture.png"),
        ("img2img", "picture.png", "a red rose"),
        ("inpaint", "picture.png", "a red rose", "--mask", "mask.png"),
        ("interpolate", "picture.png", "a red rose", "--frames", 3),
        ("interpolate", "a white lily", "a red rose", "--frames", 3),
        ("blend", "a red rose:0.7", "a white lily:0.3"),
    ],
    ids=lambda words: " ".join(map(str, words[:2])),
)
def test_every_edit_keeps_the_shape_and_is_reproduced(home, cli, words):
    made = said(cli(*words, "--model", home / "run", "--steps", 2, "--json"))
    files = [one["file"] for one in made if str(one["file"]).endswith(".png")]
    singles = [name for name in files if size(name) == (24, 16)]
    assert singles
    given = ("--source", "picture.png") if "picture.png" in words else ()
    given += ("--mask", "mask.png") if "mask.png" in words else ()
    again = cli("reproduce", singles[0], "--model", home / "run", *given)
    assert again.code == 0, again.out + again.err


@pytest.mark.slow
def test_what_is_black_in_the_mask_stays(home, cli):
    words = ("inpaint", "picture.png", "a red rose", "--mask", "mask.png")
    made = said(cli(*words, "--model", home / "run", "-n", 1, "--steps", 2, "--json"))
    single = next(one["file"] for one in made if size(one["file"]) == (24, 16))
    with Image.open(single) as image, Image.open("picture.png") as whole:
        painted = np.asarray(image.convert("RGB")).astype(int)
        # 40x30 has no part of shape 3:2 wider than all of it, and rows 1 to 28 are its middle
        real = whole.crop((0, 1, 40, 28)).resize((24, 16), Image.Resampling.LANCZOS)
    right = np.abs(painted - np.asarray(real).astype(int))[:, 13:]
    assert right.mean() < 3
    assert np.abs(painted - np.asarray(real).astype(int))[:, :11].mean() > 10


@pytest.mark.slow
def test_it_is_evaluated(home, cli):
    told = said(
        cli("evaluate", home / "run", "--minutes", 0.01, "--steps", 2, "--out", "report", "--json")
    )
    assert told["model"]["name"] == "run"
    assert {"evaluation.html", "evaluation.json"} <= {
        path.name for path in Path("report").iterdir()
    }


@pytest.mark.slow
def test_it_is_explained(home, cli):
    words = ("explain", home / "run", "a red rose", "--quick", "--steps", 3, "--seeds", "0-3")
    ended = cli(*words, "--out", "why", "--json")
    assert ended.code == 0, ended.err
    verdicts = {one["name"]: one["verdict"] for one in json.loads(ended.out)["analyses"]}
    assert set(verdicts) == set(EXPLANATIONS)
    assert "skipped" not in verdicts.values()
    assert list(Path("why").glob("*.html"))


@pytest.mark.slow
def test_a_run_is_resumed_in_its_shape(home, cli):
    own = ("--set", "embedder.name=labels")
    words = ("train", home / "photos", *SHAPE, *SMALL, *own, "--steps", 4, "--out", "run")
    assert cli(*words, "--stop-after", 2).code == 0
    assert cli("resume", "run").code == 0
    assert TextToImage.from_pretrained("run")("rose", n=1, steps=2)[0].size == (24, 16)


@pytest.mark.slow
@pytest.mark.parametrize("arch", ["course_unet", "pooled_unet"])
def test_the_other_networks_paint_it_too(home, cli, arch):
    chs = "[16, 16, 32]"
    words = ("--set", f"model.arch={arch}", "--set", f"model.down_chs={chs}")
    own = ("--set", "embedder.name=labels", "--steps", 1, "--out", "run")
    trained = cli("train", home / "photos", *SHAPE, *SMALL, *words, *own)
    assert trained.code == 0, trained.err
    assert TextToImage.from_pretrained("run")("rose", n=1, steps=2)[0].size == (24, 16)


@pytest.mark.slow
def test_words_and_pictures_are_compared(home, cli):
    assert cli("ask", home / "run", "a red rose", "--out", "nearest.png").code == 0
    assert cli("gap", home / "run").code in (0, 65)
    assert cli("similarity", "picture.png", "--text", "a rose", "--model", home / "run").code == 0
    words = ("compass", home / "photos", "--model", home / "clip", "--split", "train")
    assert cli(*words).code == 0

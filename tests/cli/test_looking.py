"""`scan`, `show`, `models`, `embed` and `pack`: looking at what there is, and handing it on."""

import json

import pytest

from ddpm_clip.data.csv_exchange.embedding_csv import read_csv
from ddpm_clip.data.local.drawn_flowers import write_folder
from ddpm_clip.embedders.mini_clip import MiniClip


@pytest.fixture
def photos(tmp_path):
    """Eight pictures of one class, and one file that is none."""
    write_folder(tmp_path / "photos" / "rose", 8, size=16, seed=1)
    (tmp_path / "photos" / "rose" / "zz.png").write_text("no picture")
    return tmp_path / "photos"


@pytest.mark.slow
def test_scan_counts_measures_and_names_what_is_spoilt(cli, photos):
    report = json.loads(cli("scan", photos, "--json").out)
    assert (report["pictures"], report["usable"]) == (9, 8)
    assert report["common_sizes"] == {"16x16": 8}
    assert report["classes"] == {"rose": 9}
    assert [file["reason"] for file in report["bad"]] == ["not-an-image"]
    assert "rose/zz.png: its content is none of PNG," in cli("scan", photos).out


@pytest.mark.slow
def test_scan_says_what_it_left_out_in_words_and_as_json(cli, photos, monkeypatch):
    monkeypatch.setattr("ddpm_clip.data.pictures.formats.SUFFIXES", (".png",))
    for name in ("1.heic", "2.HEIC", "film.mp4", "list.csv"):
        (photos / name).write_bytes(b"x")
    ended = cli("scan", photos)
    assert 'left out: 2 heic (pip install "ddpm-clip[heif]" reads them)' in ended.out
    assert "left out: 1 mp4 (take pictures out of them" in ended.out
    assert "left out: 1 csv (no pictures)" in ended.out
    assert "left out" not in ended.err
    report = json.loads(cli("scan", photos, "--json").out)
    assert report["other_files"] == 4
    assert report["left_out"]["types"]["heic"]["number"] == 2
    assert "ddpm-clip[heif]" in report["left_out"]["types"]["heic"]["how_to_read"]


@pytest.mark.slow
def test_embed_says_what_it_left_out(cli, tiny, photos, tmp_path):
    (photos / "film.mp4").write_bytes(b"x")
    ended = cli("embed", photos, "--config", tiny, "--out", tmp_path / "embedded")
    assert ended.code == 0
    assert ended.err.count("left out of ") == 1
    assert "1 mp4 (take pictures out of them" in ended.err


def test_scan_refuses_a_folder_with_too_much_that_is_spoilt(cli, photos):
    assert cli("scan", photos, "--max-bad", 0.1).code == 65
    assert cli("scan", photos, "--max-bad", 2).code == 2


@pytest.mark.slow
def test_show_tells_of_a_run(cli, run):
    facts = json.loads(cli("show", run, "--json").out)
    assert (facts["kind"], facts["step"]) == ("run", 4)
    assert facts["config"]["training"]["steps"] == 4
    assert "4 of 4" in cli("show", run).out


def test_models_lists_what_ships(cli):
    from ddpm_clip.weights import shipped_names

    listed = json.loads(cli("models", "--json").out)["models"]
    assert [model["name"] for model in listed] == shipped_names()
    lines = cli("models").out.splitlines()
    assert [line.split()[0] for line in lines] == shipped_names()


@pytest.mark.slow
def test_a_packed_run_paints_as_the_run_does_and_can_be_shown(cli, run, tmp_path):
    packed = tmp_path / "model"
    assert cli("pack", run, "--out", packed, "--name", "mine").out == f"{packed}\n"
    assert json.loads(cli("show", packed, "--json").out)["name"] == "mine"
    words = ("generate", "rose", "-n", 1, "--json")
    assert cli(*words, "--model", packed, "--out", tmp_path / "a").code == 0
    assert cli("pack", run, "--out", packed).code == 73


@pytest.mark.slow
def test_pack_without_its_bank_is_smaller(cli, run, tmp_path):
    for name, words in (("with", ()), ("without", ("--no-bank",))):
        cli("pack", run, "--out", tmp_path / name, *words)
    size = [(tmp_path / n / "conditioner.safetensors").stat().st_size for n in ("with", "without")]
    assert size[1] < size[0]


@pytest.mark.slow
def test_embeddings_as_csv_have_a_row_a_picture(cli, tiny, tmp_path):
    out = tmp_path / "flowers.csv"
    ended = cli("embed", "drawn-flowers:12", "--config", tiny, "--out", out)
    assert ended.code == 0
    assert ended.out == f"{out}\n"
    table = read_csv(out)
    assert len(table.keys) == 12
    assert bool((table.embeddings.norm(dim=1) == 1).all())


@pytest.mark.slow
def test_embeddings_of_files_have_their_paths_and_are_continued(cli, photos, tmp_path):
    MiniClip(3, 16, 8, 8, 8, 30.0).save(tmp_path / "clip", prompts=["a rose"], card={})
    words = ("embed", photos, "--embedder", tmp_path / "clip", "--out", tmp_path / "clip.csv", "-q")
    first = cli(*words)
    assert first.code == 0
    assert "zz.png" in first.err
    table = read_csv(tmp_path / "clip.csv")
    assert sorted(table.keys) == sorted(
        str(p) for p in (photos / "rose").iterdir() if p.name != "zz.png"
    )
    before = (tmp_path / "clip.csv").read_bytes()
    assert cli(*words).code == 0
    assert (tmp_path / "clip.csv").read_bytes() == before


def test_a_folder_of_corrupt_files_gives_no_csv_and_exits_65(cli, tmp_path):
    MiniClip(3, 16, 8, 8, 8, 30.0).save(tmp_path / "clip", prompts=["a rose"], card={})
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.png").write_bytes(b"no picture")
    out = tmp_path / "clip.csv"
    ended = cli("embed", tmp_path / "bad", "--embedder", tmp_path / "clip", "--out", out)
    assert ended.code == 65
    assert "a.png" in ended.err
    assert not out.exists()


def test_an_embedder_that_is_not_there_exits_66(cli, photos, tmp_path):
    ended = cli("embed", photos, "--embedder", "./nowhere", "--out", tmp_path / "e")
    assert ended.code == 66
    assert not (tmp_path / "e").exists()


@pytest.mark.slow
def test_scan_as_a_doctor_names_duplicates_and_shapes_and_train_says_it_in_a_line(
    cli, tiny, photos, tmp_path
):
    from PIL import Image

    first = sorted((photos / "rose").glob("*.png"))[0]
    (photos / "rose" / "again.png").write_bytes(first.read_bytes())
    Image.effect_noise((900, 40), 50).save(photos / "rose" / "line.png")
    out = cli("scan", photos, "--size", 16).out
    assert f"1 exact duplicates: rose/{first.name} = rose/again.png" in out
    assert "1 more than 3 times as long as wide: rose/line.png. Their middle is trained" in out
    report = json.loads(cli("scan", photos, "--size", 64, "--json").out)
    kinds = {one["kind"]: one["number"] for one in report["findings"]}
    assert kinds["tiny"] == 10
    words = ("--config", tiny, "--stop-after", 1)
    err = cli("train", photos, *words, "--out", tmp_path / "run").err
    assert "warning: of 10 pictures, 1 exact duplicates, 1 more than 3 times as long" in err
    assert "; ddpm-clip scan " in err
    assert "exact duplicates" not in cli("resume", tmp_path / "run", "--stop-after", 1).err

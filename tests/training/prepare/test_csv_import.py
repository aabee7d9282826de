"""`train --embeddings clip.csv`: the rows of a CSV are used, if they are of these pictures."""

import shutil
from pathlib import Path

import pytest
import torch

from ddpm_clip.data.csv_exchange.embedding_csv import EmbeddingTable, read_csv, write_csv
from ddpm_clip.data.local.drawn_flowers import write_folder
from ddpm_clip.runs.run import Run
from ddpm_clip.training.prepare.csv_import import IMPORTED, matched


@pytest.fixture
def here(cli, tmp_path, monkeypatch):
    """A folder with pictures and their CSV; `here(…)` trains one step with it."""
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "photos" / "rose", 10, size=16, seed=1)
    assert cli("-q", "embed", "photos", "--embedder", "flowers", "--out", "clip.csv").code == 0
    Path("tiny.yaml").write_text(
        "{data: {image_size: 16, heldout: 0}, embedder: {name: mini_clip, model: flowers},"
        " model: {down_chs: [16, 32], blocks: 1, t_embed_dim: 16, attention: 0},"
        " training: {steps: 1, batch_size: 4, sample_every: 0, animation: false}}"
    )

    def train(*words, csv="clip.csv", source="photos"):
        given = ("--config", "tiny.yaml", "--out", "run", "--embeddings", csv)
        return cli("train", source, *given, *words)

    return train


def cached(run):
    return sorted(Path(run).glob("embeddings/shard-*"))


@pytest.mark.slow
def test_its_rows_are_the_embeddings_of_the_run(here, monkeypatch):
    ended = here("--skip-clip-extraction")
    assert ended.code == 0, ended.err
    assert not (Path("run") / IMPORTED).exists()
    table = read_csv("clip.csv")
    bank = Run.open(Path("run")).folder / "conditioner.safetensors"
    assert bank.is_file()
    assert len(cached("run")) == 1
    assert len(table.keys) == 10


@pytest.mark.slow
def test_pictures_that_it_lacks_are_embedded(here):
    table = read_csv("clip.csv")
    write_csv("few.csv", table.keys[:6], table.embeddings[:6] * 5)  # of any length
    refused = here("--skip-clip-extraction", csv="few.csv")
    assert refused.code == 65
    assert "4 pictures have no embedding yet" in refused.err
    assert here("--overwrite", csv="few.csv").code == 0
    assert len(cached("run")) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda keys, e: (keys, e.roll(1, 0)), "is of another embedder, or the pictures have"),
        (lambda keys, e: (keys, torch.randn(10, 96)), "is of another embedder, or the pictures"),
        (lambda keys, e: (keys, e[:, :5]), "the CSV has embeddings of size 5"),
        (lambda keys, e: ([f"else/{key}" for key in keys], e), "is of other pictures"),
    ],
)
def test_a_csv_of_something_else_is_refused_and_the_run_folder_is_free_again(here, spoil, said):
    table = read_csv("clip.csv")
    write_csv("clip.csv", *spoil(table.keys, table.embeddings))
    ended = here()
    assert ended.code == 65
    assert said in ended.err
    assert not Path("run").exists()


@pytest.mark.slow
def test_a_csv_that_is_not_there_or_no_csv_is_refused(here):
    assert here(csv="gone.csv").code == 66
    Path("bad.csv").write_text("a.png,1,2\nb.png,1\n")
    ended = here(csv="bad.csv")
    assert ended.code == 65
    assert "line 2" in ended.err


def test_rows_are_found_by_key_or_by_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keys = ["rose/a.png", "rose/b.png", "c.png"]

    def found(*paths):
        table = EmbeddingTable(list(paths), torch.zeros(len(paths), 1))
        return dict(matched(table, keys, str(tmp_path / "photos")))

    assert found("photos/c.png", "./photos/rose/a.png") == {2: 0, 0: 1}
    assert found(f"{tmp_path}/photos/rose/b.png", "other/c.png") == {1: 0}
    assert found(*keys) == {0: 0, 1: 1, 2: 2}
    assert found("a.png", "rose") == {}


@pytest.mark.slow
def test_moved_pictures_are_found_by_their_keys(here):
    table = read_csv("clip.csv")
    write_csv(
        "clip.csv",
        [key.removeprefix("photos/").split("photos/")[-1] for key in table.keys],
        table.embeddings,
    )
    shutil.move("photos", "elsewhere")
    assert here("--skip-clip-extraction", source="elsewhere").code == 0

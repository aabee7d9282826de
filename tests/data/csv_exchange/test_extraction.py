"""Picture files to a CSV of embeddings, cut off and continued."""

import pytest
import torch
from PIL import Image

from ddpm_clip.data.csv_exchange.embedding_csv import read_csv
from ddpm_clip.data.csv_exchange.extraction import extract_clip_embeddings
from ddpm_clip.errors import DataError, UsageError


def colour_of(image):
    return torch.tensor(image.convert("RGB").getpixel((0, 0))).float()


class Ours:
    """The part of an embedder that is needed; counts the pictures it has seen."""

    seen = 0

    def embed_images(self, images):
        self.seen += len(images)
        return torch.stack([colour_of(image) for image in images])


class Theirs:
    """A model with `encode_image` over preprocessed tensors."""

    weight = torch.nn.Parameter(torch.ones(3))

    def encode_image(self, x):
        return x * self.weight


@pytest.fixture
def paths(tmp_path):
    (tmp_path / "in").mkdir()
    names = [tmp_path / "in" / f"{i}.png" for i in range(7)]
    for i, name in enumerate(names):
        Image.new("RGB", (5, 5), (i, 2 * i, 255 - i)).save(name)
    return names


def extract(paths, csv, model=None, **options):
    quiet = {"batch_size": 2, "verbose": False} | options
    return extract_clip_embeddings(paths, model or Ours(), None, csv, "cpu", **quiet)


def test_every_picture_gets_its_row(paths, tmp_path):
    n, seconds = extract(paths, tmp_path / "out" / "clip.csv")
    table = read_csv(tmp_path / "out" / "clip.csv")
    assert n == 7
    assert seconds > 0
    assert table.keys == [str(path) for path in paths]
    assert table.embeddings[3].tolist() == [3, 6, 252]


def test_a_model_with_encode_image_and_its_preprocess_works_without_gradients(paths, tmp_path):
    csv = tmp_path / "clip.csv"
    extract_clip_embeddings(paths, Theirs(), colour_of, csv, "cpu", verbose=False)
    assert read_csv(csv).embeddings[2].tolist() == [2, 4, 253]


def test_it_goes_on_where_it_stopped(paths, tmp_path):
    csv, model = tmp_path / "clip.csv", Ours()
    extract(paths[:3], csv)
    assert extract(paths, csv, model)[0] == model.seen == 4
    assert read_csv(csv).keys == [str(path) for path in paths]
    assert extract(paths, csv)[0] == 0


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_last_line_that_was_cut_off_is_embedded_again(paths, tmp_path, cut):
    whole, csv = tmp_path / "whole.csv", tmp_path / "clip.csv"
    extract(paths, whole)
    extract(paths[:4], csv)
    csv.write_bytes(csv.read_bytes()[:-cut])
    with pytest.warns(UserWarning, match="was cut off"):
        extract(paths, csv)
    assert csv.read_bytes() == whole.read_bytes()


def test_without_skipping_it_starts_anew(paths, tmp_path):
    csv = tmp_path / "clip.csv"
    extract(paths, csv)
    assert extract(paths[:2], csv, skip_existing=False)[0] == 2
    assert len(read_csv(csv).keys) == 2


def test_a_picture_that_cannot_be_decoded_is_named_and_left_out(paths, tmp_path):
    paths[1].write_bytes(paths[1].read_bytes()[:40])
    with pytest.warns(UserWarning, match=r"left out.*1\.png"):
        n, _ = extract(paths, tmp_path / "clip.csv")
    assert n == 6
    assert str(paths[1]) not in read_csv(tmp_path / "clip.csv").keys


def test_two_encoders_are_not_mixed_in_one_csv(paths, tmp_path):
    (tmp_path / "clip.csv").write_text("other.png,1,2\n")
    with pytest.raises(DataError, match="size 2, but this encoder makes 3"):
        extract(paths, tmp_path / "clip.csv")
    assert (tmp_path / "clip.csv").read_text() == "other.png,1,2\n"


def test_a_path_given_twice_is_embedded_once(paths, tmp_path):
    assert extract([paths[0], str(paths[0])], tmp_path / "clip.csv")[0] == 1


def test_something_that_cannot_embed_is_refused(paths, tmp_path):
    with pytest.raises(UsageError, match="object cannot embed"):
        extract(paths, tmp_path / "clip.csv", object())
    with pytest.raises(UsageError, match="preprocess"):
        extract(paths, tmp_path / "clip.csv", Theirs())
    assert not (tmp_path / "clip.csv").exists()


def test_it_says_how_far_it_is_on_stderr_only(paths, tmp_path, capsys):
    extract(paths, tmp_path / "clip.csv", verbose=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith("embedded 7 of 7")

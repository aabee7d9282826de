import numpy as np
import pytest
import torch

from ddpm_clip.data.csv_exchange.embedding_pairs import read_pairs
from ddpm_clip.errors import DataError, MissingInput


def arrays(n=4):
    rng = np.random.default_rng(0)
    return {"image": rng.normal(size=(n, 3)), "text": rng.normal(size=(n, 3)).astype(np.float16)}


@pytest.mark.parametrize("given", ["file", "folder"])
def test_pairs_are_read_from_a_file_or_the_folder_it_lies_in(tmp_path, given):
    np.savez(tmp_path / "pairs.npz", **arrays())
    images, texts = read_pairs(tmp_path / "pairs.npz" if given == "file" else tmp_path)
    assert images.dtype == texts.dtype == torch.float32
    assert np.allclose(images.numpy(), arrays()["image"])


def test_what_is_not_there_exits_66(tmp_path):
    for path in (tmp_path, tmp_path / "none.npz"):
        with pytest.raises(MissingInput, match="no pairs of embeddings"):
            read_pairs(path)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"image": np.zeros((4, 3))},
        {"image": np.zeros((4, 3)), "text": np.zeros((5, 3))},
        {"image": np.zeros(3), "text": np.zeros(3)},
        {"image": np.zeros((4, 3)), "text": np.full((4, 3), np.nan)},
        {"image": np.zeros((4, 3)), "text": np.array([None] * 12).reshape(4, 3)},
        {"image": np.zeros((4, 3), np.uint8), "text": np.zeros((4, 3))},
        {"image": np.zeros((600_000, 8), np.float32), "text": np.zeros((4, 3))},
    ],
    ids=["no text", "another number", "no rows", "NaN or infinite", "a pickle", "bytes", "a bomb"],
)
def test_what_are_no_pairs_is_named(tmp_path, spoilt):
    np.savez_compressed(tmp_path / "pairs.npz", **spoilt)
    with pytest.raises(DataError, match="has no pairs"):
        read_pairs(tmp_path / "pairs.npz")


def test_a_file_that_is_no_npz_is_named(tmp_path):
    (tmp_path / "pairs.npz").write_bytes(b"no zip")
    with pytest.raises(DataError, match="has no pairs"):
        read_pairs(tmp_path / "pairs.npz")

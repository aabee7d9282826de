"""The CLIP that comes with imported weights: an LSTM by hand says the same, and files come back."""

import pytest
import torch
from legacy_files import clip_answer, clip_state
from PIL import Image

from ddpm_clip.embedders import EMBEDDERS
from ddpm_clip.embedders.legacy_clip import LegacyClip
from ddpm_clip.errors import DataError, MissingInput
from ddpm_clip.types import Embedder


@pytest.fixture(scope="module")
def clip():
    return LegacyClip.of(clip_state()).eval()


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("six", [1, 21, 11, 26, 2, *[0] * 7]),
        ("Zero", [1, 28, 7, 20, 17, 2, *[0] * 6]),
        ("a 1?", [1, 3, 39, 29, 2, *[0] * 7]),
        ("", [1, 2, *[0] * 10]),
    ],
)
def test_words_are_read_letter_by_letter_as_they_were_there(clip, text, ids):
    assert torch.allclose(clip.embed_texts([text]), clip_answer(clip_state(), ids), atol=1e-5)


def test_a_longer_text_is_cut_as_it_was_there_and_that_is_said(clip):
    with pytest.warns(UserWarning, match="longer than 10 letters"):
        (row,) = clip.embed_texts(["abcdefghijklmno"])
    assert torch.allclose(row, clip_answer(clip_state(), [1, *range(3, 15), 2])[0], atol=1e-5)


@pytest.mark.slow
def test_it_is_an_embedder_of_unit_rows_and_comes_back_from_its_folder(clip, tmp_path):
    clip.save(tmp_path)
    again = EMBEDDERS["legacy_clip"](tmp_path)
    assert isinstance(again, Embedder)
    assert again.embed_texts([]).shape == (0, 2)
    assert torch.equal(again.embed_texts(["one", "two"]), clip.embed_texts(["one", "two"]))
    rows = again.embed_images([Image.new("RGB", (9, 5), "red"), Image.new("L", (32, 32), 9)])
    assert torch.allclose(rows.norm(dim=1), torch.ones(2))
    assert again.embed_pixels(torch.zeros(2, 3, 8, 8)).shape == (2, 2)


@pytest.mark.slow
def test_other_tensors_and_broken_folders_are_refused(clip, tmp_path):
    with pytest.raises(DataError, match="not those of a legacy CLIP"):
        LegacyClip.of({"x": torch.zeros(1)})
    with pytest.raises(MissingInput, match="no imported CLIP"):
        LegacyClip.load(tmp_path)
    clip.save(tmp_path)
    for text in (
        '{"options": {"layers": 1000000000}}',
        '{"options": {"hidden": 1000000000}}',
        "[]",
    ):
        (tmp_path / "legacy_clip.json").write_text(text)
        with pytest.raises(DataError, match="damaged"):
            LegacyClip.load(tmp_path)

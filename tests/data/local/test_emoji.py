"""The emoji pack: styles apart, names and keywords kept."""

import numpy as np
import pytest

from ddpm_clip.data.captions.grammars import facts_of
from ddpm_clip.data.local.emoji import read_emoji
from ddpm_clip.data.sources import open_source
from ddpm_clip.errors import DataError, UsageError


@pytest.fixture
def pack(tmp_path):
    path = tmp_path / "emoji_64.npz"
    np.savez(
        path,
        images=np.arange(3 * 4 * 4 * 3, dtype=np.uint8).reshape(3, 4, 4, 3),
        captions=np.array(["red heart", "red heart", "dog"]),
        keywords=np.array(["love", "love", "pet, animal"]),
        style=np.array(["noto", "other", "other"]),
        codepoints=np.array(["2764", "2764", "1f436"]),
    )
    return path


def test_a_style_is_chosen_by_name(pack):
    other = read_emoji(pack, "other")
    assert len(other) == 2
    assert len(read_emoji(pack)) == 3
    assert other.key(1) == "other-1f436"
    assert facts_of(other, 1) == {"name": "dog", "keywords": "pet, animal"}
    assert np.asarray(other[0])[0, 0, 0] == 48, "rows of the other style are left out"
    assert open_source(f"emoji:other:{pack}").caption(1) == "dog"


def test_keys_are_unique_over_styles(pack):
    whole = read_emoji(pack)
    assert len({whole.key(i) for i in range(len(whole))}) == 3


def test_a_wrong_style_and_a_wrong_pack_are_told(pack, tmp_path):
    with pytest.raises(UsageError, match="noto, other"):
        read_emoji(pack, "third")
    np.savez(tmp_path / "bare.npz", images=np.zeros((1, 4, 4, 3), np.uint8))
    with pytest.raises(DataError, match="bare"):
        read_emoji(tmp_path / "bare.npz")

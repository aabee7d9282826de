"""Finding and opening models: what is no model of ours is named."""

import json

import pytest

from ddpm_clip.errors import DataError
from ddpm_clip.pretrained import CARD, describe, load


@pytest.mark.parametrize(
    "card", [{}, [], {"format": 1, "ddpm_clip": "0.1.0"}, {"model_type": "clip"}], ids=str
)
def test_a_folder_whose_card_is_not_ours_is_named(tmp_path, card):
    (tmp_path / CARD).write_text(json.dumps(card))
    for ask in (load, describe):
        with pytest.raises(DataError, match="no model card of ours"):
            ask(tmp_path)


def test_a_model_of_a_later_version_says_to_upgrade(tmp_path):
    (tmp_path / CARD).write_text(json.dumps({"format": 99, "ddpm_clip": "9.0", "config": {}}))
    with pytest.raises(DataError, match=r"made by ddpm_clip 9\.0") as refused:
        load(tmp_path)
    assert "upgrade" in refused.value.fix

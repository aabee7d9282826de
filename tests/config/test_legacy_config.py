"""Values of the earlier projects' keys mean what they meant there."""

import pytest

from ddpm_clip.config.resolve import Layer, flatten, merge
from ddpm_clip.utils.resizing import Size


@pytest.mark.parametrize(
    ("key", "value", "today", "meant"),
    [
        ("guidance_weights", [-1, 0, 2.5], "generation.grid_guidance", [0, 1, 3.5]),
        ("clip_model", "ViT-B/32", "embedder.model", "openai/clip-vit-base-patch32"),
        ("learning_rate", 0.5, "training.lr", 0.5),
        ("img_size", 16, "data.image_size", 16),
    ],
)
@pytest.mark.parametrize("section", ["", "training.", "clip."])
def test_a_legacy_key_is_read_flat_or_in_a_section(key, value, today, meant, section):
    tree = {key: value} if not section else {section[:-1]: {key: value}}
    found = flatten(tree)
    assert found == {today: meant}
    config, origins = merge([Layer("old.yaml", found)])
    name, _, field = today.partition(".")
    got = getattr(getattr(config, name), field)
    plain = got.plain if isinstance(got, Size) else got
    assert (list(plain) if isinstance(plain, tuple) else plain) == meant
    assert origins == {today: "old.yaml"}


def test_weights_that_are_no_numbers_are_left_for_the_config_to_refuse():
    assert flatten({"guidance_weights": ["much"]}) == {"generation.grid_guidance": ["much"]}

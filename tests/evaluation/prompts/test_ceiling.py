import pytest
import torch
from planted import planted

from ddpm_clip.errors import DataError
from ddpm_clip.evaluation.prompts.ceiling import agrees, from_pictures
from ddpm_clip.evaluation.prompts.success import PromptCase, paint_cases
from ddpm_clip.generation.request import GenerationRequest
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.tensors import to_float

RING, LIGHT_BAR = (
    PromptCase("a ring", {"shape": "ring"}),
    PromptCase("a light bar", {"shape": "bar", "tone": "light"}),
)


def test_facts_agree_where_all_that_is_asked_is_shown():
    shown = {"species": "rose", "petals": "red"}
    assert agrees(shown, {"petals": "red"})
    assert agrees(shown, {})
    assert not agrees(shown, {"petals": "red", "species": "tulip"})
    assert not agrees(shown, {"centre": "yellow"})


def test_a_condition_is_that_of_a_real_picture_of_what_is_asked(tiny_tti):
    pixels, facts = planted(30, seed=0)
    conditions = from_pictures(tiny_tti, pixels, facts, [RING, LIGHT_BAR])
    requests = [
        GenerationRequest("a ring", 0, 5, 2.0),
        GenerationRequest("a light bar", 1, 6, 2.0),
        GenerationRequest("a ring", 2, 5, 2.0),
    ]
    c = conditions(requests)
    model = tiny_tti.model
    with torch.no_grad():
        every = model.conditioner.images(model.embedder.embed_pixels(to_float(pixels)))
    nearest = torch.cdist(c, every).argmin(1).tolist()
    assert torch.allclose(c, every[nearest], atol=1e-4)
    assert [agrees(facts[i], {"shape": "ring"}) for i in nearest] == [True, False, True]
    assert agrees(facts[nearest[1]], LIGHT_BAR.facts)
    assert nearest[0] == nearest[2]  # the same seed takes the same picture


def test_conditions_from_elsewhere_change_the_picture_and_not_its_noise(tiny_tti):
    mean = torch.zeros(1, tiny_tti.model.conditioner.width)
    by_words = finish(paint_cases(tiny_tti, [RING], 2))
    same = finish(
        paint_cases(
            tiny_tti,
            [RING],
            2,
            conditions=lambda requests: tiny_tti.conditions(
                [w.prompt for w in requests], tiny_tti.settings(), [w.seed for w in requests]
            ),
        )
    )
    other = finish(paint_cases(tiny_tti, [RING], 2, conditions=lambda w: 9 + mean.repeat(2, 1)))
    assert torch.equal(by_words, same)
    assert not torch.equal(by_words, other)


def test_what_no_picture_shows_is_refused(tiny_tti):
    pixels, facts = planted(30, seed=0)
    with pytest.raises(DataError, match="no picture shows"):
        from_pictures(tiny_tti, pixels, facts, [PromptCase("a cross", {"shape": "cross"})])

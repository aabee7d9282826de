"""A CLIP guides by words: an edit that has none is not guided by a made-up name, and says so."""

import warnings

import pytest

from ddpm_clip.data.pictures.png_texts import read_parameters
from ddpm_clip.editing import blend, img2img, inpaint, interpolate, open_mask, vary
from ddpm_clip.errors import UsageError
from ddpm_clip.generation.files import save_painted
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.utils.generators import finish

HOW = {"n": 1, "steps": 3, "seed": 2, "clip_views": 2, "clip_travel": 0}


def edits(six):
    return {
        "vary": lambda tti, s: vary(tti, six, s),
        "interpolate": lambda tti, s: interpolate(tti, "a six", six, s, frames=2),
        "blend": lambda tti, s: blend(tti, [("a six", 1.0), ("a nine", 1.0)], s),
        "img2img": lambda tti, s: img2img(tti, six, None if s.unconditional else "a nine", s),
        "inpaint": lambda tti, s: inpaint(
            tti,
            six,
            open_mask(half(six), six, tti.model),
            None if s.unconditional else "a nine",
            s,
            rounds=1,
        ),
    }


def half(six):
    mask = six.image.convert("L").point(lambda value: 0)
    mask.paste(255, (0, 0, 28, 14))
    return mask


def painted(work):
    return [one.image.tobytes() for one in finish(work)]


def quietly(work):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return painted(work)


@pytest.fixture
def guided(tti):
    """A model in whose config a guide stands: nobody asked for it on the command line."""
    own = tti.model.config.generation.model_copy(update={"clip_guidance": 1.0})
    config = tti.model.config.model_copy(update={"generation": own})
    guided = TextToImage(tti.model)
    guided.model = type(tti.model)(
        **{name: getattr(tti.model, name) for name in tti.model.__dataclass_fields__}
        | {"config": config}
    )
    assert guided.settings().clip_guidance == 1.0
    return guided


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vary", "interpolate", "blend"])
def test_an_edit_without_words_is_as_without_a_guide_and_says_so(tti, guided, six, name, tmp_path):
    edit, settings = edits(six)[name], guided.settings(**HOW)
    plain = quietly(edit(tti, tti.settings(**HOW)))
    with pytest.warns(UserWarning, match="clip_guidance = 1 is ignored"):
        found = finish(edit(guided, settings))
    assert [one.image.tobytes() for one in found] == plain
    files = save_painted(found, guided.model, settings, tmp_path / "out", sheet=found[0].image)
    assert not {"clip_guidance", "clip_guide"} & read_parameters(files[0].file).keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["img2img", "inpaint"])
def test_an_edit_with_words_is_guided_by_them(tti, guided, six, name, tmp_path):
    edit, settings = edits(six)[name], guided.settings(**HOW)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = finish(edit(guided, settings))
    assert [one.image.tobytes() for one in found] != quietly(edit(tti, tti.settings(**HOW)))
    files = save_painted(found, guided.model, settings, tmp_path / "out", sheet=found[0].image)
    facts = read_parameters(files[0].file)
    assert (facts["prompt"], facts["clip_guidance"]) == ("a nine", 1.0)


@pytest.mark.parametrize("name", ["img2img", "inpaint"])
def test_without_words_at_all_the_same_edit_is_not_guided(tti, guided, six, name):
    free = HOW | {"unconditional": True}
    edit = edits(six)[name]
    plain = quietly(edit(tti, tti.settings(**free)))
    with pytest.warns(UserWarning, match="clip_guidance = 1 is ignored"):
        assert painted(edit(guided, guided.settings(**free))) == plain


def test_painting_from_nothing_can_do_without_a_prompt(tti, guided):
    free = HOW | {"unconditional": True}
    plain = quietly(tti.paint([], tti.settings(**free)))
    with pytest.warns(UserWarning, match="clip_guidance = 1 is ignored"):
        assert painted(guided.paint([], guided.settings(**free))) == plain


def test_a_model_without_conditions_does_not_pretend_to_see_a_picture(tti, six):
    free = tti.settings(**HOW | {"unconditional": True})
    for name in ("vary", "interpolate", "blend"):
        with pytest.raises(UsageError, match="paints without conditions"):
            finish(edits(six)[name](tti, free))

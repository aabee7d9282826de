"""Whatever is in `EDITS` has all that goes with an edit: facts, a command, a place in the docs."""

from pathlib import Path

import pytest

from ddpm_clip.cli.main import COMMANDS
from ddpm_clip.data.pictures.png_texts import KINDS, check_kinds, read_parameters
from ddpm_clip.editing import (
    EDITS,
    blend,
    img2img,
    inpaint,
    interpolate,
    open_mask,
    paint_points,
    sample,
    vary,
)
from ddpm_clip.generation.files import save_painted
from ddpm_clip.utils.generators import finish

PAGE = Path(__file__).resolve().parents[2] / "docs" / "editing.md"


def half(six):
    mask = six.image.convert("L").point(lambda value: 0)
    mask.paste(255, (0, 0, 28, 14))
    return mask


EXAMPLES = {
    "vary": lambda tti, six, how: vary(tti, six, how, strength=0.5),
    "interpolate": lambda tti, six, how: interpolate(tti, six, "a nine", how, frames=2),
    "blend": lambda tti, six, how: blend(tti, [(six, 0.5), ("a nine", 1.0)], how),
    "img2img": lambda tti, six, how: img2img(tti, six, "a nine", how),
    "inpaint": lambda tti, six, how: inpaint(
        tti, six, open_mask(half(six), six, tti.model), "a nine", how, rounds=1
    ),
    "point": lambda tti, six, how: paint_points(tti, [[1.5, -2]], how),
    "sample": lambda tti, six, how: sample(tti, how),
}


def test_every_edit_is_tried_here():
    assert EXAMPLES.keys() == set(EDITS)


@pytest.mark.parametrize("mode", EDITS)
def test_its_pictures_record_its_facts_and_these_can_be(tti, six, mode, tmp_path):
    settings = tti.settings(n=1, steps=2)
    painted = finish(EXAMPLES[mode](tti, six, settings))
    edit = EDITS[mode]
    for one in painted:
        assert one.request.facts.keys() == {"mode", *edit.facts}
        assert one.request.has_words == edit.has_prompt
    file, *_ = save_painted(painted, tti.model, settings, tmp_path, sheet=painted[0].image)
    facts = read_parameters(file.file)
    assert facts["mode"] == mode
    check_kinds(file.file, facts, edit.facts)
    edit.check(facts)


def test_a_fact_has_one_kind_wherever_it_is_recorded():
    kinds = {}
    for edit in EDITS.values():
        for name, kind in edit.facts.items():
            assert kinds.setdefault(name, kind) == kind
    assert not kinds.keys() & KINDS.keys()


@pytest.mark.parametrize("mode", EDITS)
def test_it_has_a_command_and_a_place_on_the_page(mode):
    assert mode in {command.__name__ for command in COMMANDS}
    assert f"\nddpm-clip {mode} " in PAGE.read_text(encoding="utf-8")

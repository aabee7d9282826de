"""What a picture says is taken whole and in range, or refused in words; nothing in it is opened."""

import json
import random
from pathlib import Path

import pytest
from PIL import Image

import ddpm_clip
from ddpm_clip.data.pictures.png_texts import read_parameters
from ddpm_clip.editing import EDITS
from ddpm_clip.errors import DataError, DdpmClipError, MissingInput
from ddpm_clip.reproducing import read_recipe
from ddpm_clip.reproducing.recipe import _check_version

HUGE = int("9" * 4000)


@pytest.mark.slow
def test_a_recipe_is_what_was_asked(painted):
    for number, file in enumerate(painted):
        recipe = read_recipe(file)
        own = recipe.settings
        assert (own.seed, own.steps, own.negative) == (5 + number % 2, 3, "a zero")
        assert own.guidance == ((1.0,), (2.0,))[number // 2 % 2]
        assert (recipe.facts["batch"], recipe.facts["position"]) == divmod(number, 3)
        assert recipe.facts["batch_pictures"] == (3, 3, 2)[number // 3]
        assert recipe.scales == ((1.0, 2.0), (1.0, 2.0), (2.0, 2.0))[number // 3]
        assert recipe.has_words


@pytest.mark.slow
@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"ddpm_clip": "9.0"}, "9.0"),
        ({"ddpm_clip": "new"}, "version"),
        ({"ddpm_clip": ...}, "version"),
        ({"seed": ...}, "'seed'"),
        ({"batch_pictures": ...}, "'batch_pictures'"),
        ({"clip_guidance": 1.0}, "'clip_guide'"),
        ({"mode": "vary"}, "'source'"),
        ({"mode": "dream"}, "dream"),
        ({"seed": -1}, "seed"),
        ({"seed": HUGE}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"seed": True}, "seed"),
        ({"steps": 0}, "steps"),
        ({"guidance": 99}, "guidance"),
        ({"guidance": HUGE}, "guidance"),
        ({"sampler": "../evil"}, "sampler"),
        ({"bridge": "rope"}, "bridge"),
        ({"clamp": "none at all"}, "clamp"),
        ({"interval": []}, "interval"),
        ({"interval": [3.0, 0.1]}, "interval"),
        ({"interval": "[0, 1]"}, "interval"),
        ({"rescale": 2}, "rescale"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "a\x1b[2Jsix"}, "control"),
        ({"negative": "\x00"}, "control"),
        ({"size": "28"}, "size"),
        ({"size": "9999x9999"}, "batch of 3"),
        ({"micro_batch": 0}, "batch"),
        ({"micro_batch": 2}, "place"),
        ({"position": 3}, "place"),
        ({"position": -1}, "place"),
        ({"batch_pictures": 90_000, "micro_batch": 90_000}, "batch of 90000"),
        ({"batch_guidance": [1.0]}, "guidance"),
        ({"batch_guidance": ["1", "2"]}, "guidance"),
        ({"batch_guidance": [1.0, HUGE]}, "guidance"),
        ({"batch_guidance": [3.0, 4.0]}, "guidance"),
        ({"threads": 0}, "threads"),
        ({"threads": 10**9}, "threads"),
        ({"dtype": "float16"}, "float16"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_by_name(told, facts, said):
    with pytest.raises(DataError) as refused:
        read_recipe(told(**facts))
    assert said in str(refused.value)
    assert refused.value.exit_code == 65
    assert refused.value.fix
    assert len(refused.value.why) <= 200


@pytest.mark.parametrize(
    ("own", "its", "later"),
    [
        ("0.9.0", "0.10.0", True),
        ("0.10.0", "0.9.3", False),
        ("0.10.0", "0.10.0", False),
        ("0.10.0", "0.10.1", True),
        ("1.0", "0.99.99", False),
    ],
)
def test_versions_are_compared_as_numbers(monkeypatch, own, its, later):
    monkeypatch.setattr(ddpm_clip, "__version__", own)
    if later:
        with pytest.raises(DataError, match=f"painted by ddpm_clip {its}"):
            _check_version(Path("a.png"), {"ddpm_clip": its})
    else:
        _check_version(Path("a.png"), {"ddpm_clip": its})


EXAMPLES = {
    "vary": {"source": "a.png", "source_digest": "0" * 16, "strength": 0.5, "condition_noise": 0.4},
    "img2img": {"source": "a.png", "source_digest": "0" * 16, "strength": 0.6, "rungs": 2},
    "inpaint": {"source": "a.png", "source_digest": "0" * 16, "mask_digest": "1" * 16,
                "painted_share": 0.5, "rounds": 2},
    "interpolate": {"from": "a six", "to": "a nine", "share": 0.5, "source_digests": [None, None]},
    "point": {"at": [1.5, -2.0]},
    "sample": {},
    "blend": {"parts": ["a six", "x.png"], "weights": [1.0, 2.0], "source_digests": [None, "0"]},
}  # fmt: skip


@pytest.mark.parametrize("mode", EXAMPLES)
def test_an_edit_says_what_it_was_made_of(told, mode):
    recipe = read_recipe(told(mode=mode, **EXAMPLES[mode]))
    assert recipe.edit_facts == {"mode": mode, **EXAMPLES[mode]}
    assert recipe.has_words == EDITS[mode].has_prompt == (mode in ("img2img", "inpaint"))


@pytest.mark.parametrize("mode", EDITS)
def test_an_edit_needs_each_of_its_facts_and_each_in_its_kind(told, mode):
    assert EXAMPLES[mode].keys() == EDITS[mode].facts.keys()
    for name in EDITS[mode].facts:
        for lie, said in ((..., f"lacks '{name}'"), (True, f"'{name}' is bool")):
            with pytest.raises(DataError, match=said):
                read_recipe(told(mode=mode, **EXAMPLES[mode] | {name: lie}))


@pytest.mark.parametrize(
    ("mode", "facts", "said"),
    [
        ("vary", {"strength": 1.5}, "strength"),
        ("inpaint", {"rounds": 10**6}, "rounds"),
        ("interpolate", {"share": 2}, "share"),
        ("interpolate", {"share": HUGE}, "share"),
        ("interpolate", {"source_digests": [None]}, "parts"),
        ("interpolate", {"from": "a\x07six"}, "control"),
        ("interpolate", {"source_digests": [1, 2]}, "prompt"),
        ("point", {"at": [1.5]}, "point"),
        ("point", {"at": ["1.5", 2]}, "point"),
        ("point", {"at": [1e9, 2]}, "point"),
        ("blend", {"weights": [1.0]}, "parts"),
        ("blend", {"weights": [0, 0]}, "weights"),
        ("blend", {"weights": [1.0, 1e9]}, "weights"),
        ("blend", {"parts": [1, 2]}, "prompt"),
    ],
)
def test_what_no_edit_can_have_been_told_is_refused(told, mode, facts, said):
    with pytest.raises(DataError, match=said):
        read_recipe(told(mode=mode, **EXAMPLES[mode] | facts))


def test_a_picture_that_does_not_say_or_is_none(tmp_path):
    with pytest.raises(MissingInput):
        read_recipe(tmp_path / "gone.png")
    Image.new("L", (28, 28)).save(tmp_path / "bare.png")
    with pytest.raises(DataError, match="does not say"):
        read_recipe(tmp_path / "bare.png")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(DataError, match="not a PNG"):
        read_recipe(tmp_path / "text.png")


@pytest.mark.slow
@pytest.mark.parametrize("mode", [None, *EXAMPLES])
def test_whatever_stands_there_ends_in_a_recipe_or_in_a_refusal(told, painted, mode):
    """A hundred spoilt ones a mode; anything but our errors would fail."""
    rng = random.Random(f"recipe {mode}")
    good = read_parameters(painted[3]) | ({} if mode is None else {"mode": mode, **EXAMPLES[mode]})
    odd = [
        None,
        True,
        -1,
        0,
        1e308,
        HUGE,
        "",
        "x" * 3000,
        "\x00",
        "../../etc/passwd",
        [],
        [None],
        [1e308, 2],
        ["", ""],
        [[1]],
        {"a": 1},
        0.5,
        "28x28",
        "knn",
    ]
    ends = {"read": 0, "refused": 0}
    for _ in range(100):
        facts = json.loads(json.dumps(good))
        for name in rng.sample(sorted(facts), rng.choice((1, 1, 2))):
            facts[name] = rng.choice(odd)
        try:
            recipe = read_recipe(told(**facts))
        except DdpmClipError:
            ends["refused"] += 1
        else:
            recipe.settings.check()
            ends["read"] += 1
    assert all(ends.values()), ends

import random
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from ddpm_clip.data.captions.flower_words import PLURALS, SIZES, describe
from ddpm_clip.data.local.drawn_flowers import (
    FACTS,
    PETALS,
    WITH_CENTRE,
    DrawnFlowers,
    draw,
    grow,
    write_folder,
)
from ddpm_clip.errors import StorageError, UsageError
from ddpm_clip.types import ImageSource


def pixels(image):
    return np.asarray(image, dtype=np.float32)


def likely_colour(image, background):
    """The petal colour that most of the pixels unlike the background are nearest to, by hue."""
    hsv = np.asarray(image.convert("HSV"), dtype=np.float32).reshape(-1, 3)
    flat = pixels(image).reshape(-1, 3)
    figure = np.abs(flat - np.asarray(background) * 255).max(1) > 70
    vivid = figure & (hsv[:, 1] > 70) & (hsv[:, 2] > 60)
    if vivid.sum() < 0.25 * figure.sum():
        return "white"
    names = [name for name in PETALS if name != "white"]
    swatches = np.asarray([PETALS[name] for name in names]) * 255
    nearest = np.abs(flat[vivid][:, None] - swatches[None]).sum(2).argmin(1)
    return names[int(np.bincount(nearest, minlength=len(names)).argmax())]


def test_drawn_flowers_are_an_image_source_with_the_species_as_classes():
    source = DrawnFlowers(7, size=16, seed=3)
    assert isinstance(source, ImageSource)
    assert len(source) == 7
    assert source.classes == FACTS["species"]
    assert source[0].size == (16, 16)
    assert source[0].mode == "RGB"
    assert source.key(4) == "flower-3-000004"
    assert source.label(4) == source.facts(4)["species"]
    with pytest.raises(IndexError):
        source[7]


def test_a_picture_depends_on_seed_and_index_alone():
    few, many = DrawnFlowers(3, seed=5), DrawnFlowers(300, seed=5)
    assert few[2].tobytes() == many[2].tobytes()
    assert few.caption(2) == many.caption(2)
    assert few.digest(2) == many.digest(2)
    assert few[2].tobytes() != DrawnFlowers(3, seed=6)[2].tobytes()
    assert few[1].tobytes() != few[2].tobytes()


def test_the_same_flower_is_drawn_at_every_size():
    for i in range(8):
        flower = DrawnFlowers(8).flower(i)
        small = pixels(draw(flower, 32))
        large = pixels(draw(flower, 96).resize((32, 32), Image.Resampling.BOX))
        assert np.abs(small - large).mean() < 6  # of 255


@pytest.mark.slow
@pytest.mark.parametrize("name", FACTS)
def test_every_value_of_every_fact_occurs_and_facts_are_independent_of_the_species(name):
    source = DrawnFlowers(3000)
    facts = [source.facts(i) for i in range(3000)]
    shown = [f for f in facts if f[name] != "none"]
    assert {f[name] for f in shown} == set(FACTS[name])
    if name != "species":
        pairs = {(f["species"], f[name]) for f in shown}
        species = WITH_CENTRE if name.startswith("centre") else FACTS["species"]
        assert len(pairs) == len(species) * len(FACTS[name])


def test_given_facts_are_kept_and_wrong_ones_are_named():
    flower = grow(random.Random(0), {"species": "rose", "petals": "blue", "count": "two"})
    assert (flower.species, flower.petals, flower.count) == ("rose", "blue", "two")
    assert flower.facts()["centre"] == "none"
    assert len(flower.places) == 2
    with pytest.raises(UsageError, match="did you mean 'rose'"):
        grow(random.Random(0), {"species": "rosee"})
    with pytest.raises(UsageError, match="unknown fact"):
        grow(random.Random(0), {"colour": "red"})


@pytest.mark.slow
def test_the_petal_colour_can_be_measured_in_the_picture():
    right = total = 0
    for colour in PETALS:
        for species in FACTS["species"]:
            given = {"species": species, "petals": colour, "background": "black"}
            given |= {"size": "big", "count": "one", "centre": "black", "centre_size": "small"}
            if species == "tulip":
                continue  # its leaves are as green as its cup is coloured
            flower = grow(random.Random(f"{colour} {species}"), given)
            right += likely_colour(draw(flower, 32), flower.ground) == colour
            total += 1
    assert right >= 0.95 * total


@pytest.mark.slow
def test_species_differ_more_in_form_than_one_species_does_in_rotation():
    alike = {"petals": "red", "count": "one", "size": "big", "background": "black"}

    def radial(species, seed):
        """Brightness over the distance from the centre: the same however a flower is turned."""
        flower = grow(random.Random(seed), alike | {"species": species})
        grey = pixels(draw(flower, 64).convert("L"))
        y, x = np.mgrid[:64, :64]
        place = flower.places[0]
        rho = np.hypot(x - 32 * (1 + place.x), y - 32 * (1 - place.y)) / (32 * place.radius)
        ring = np.minimum((rho * 8).astype(int), 9)
        return np.array([grey[ring == k].std() for k in range(9)])

    profiles = {s: np.mean([radial(s, k) for k in range(12)], 0) for s in FACTS["species"]}
    gaps = [np.abs(profiles[a] - profiles[b]).max() for a, b in combinations(profiles, 2)]
    assert min(gaps) > 5


def test_a_written_folder_holds_pictures_and_nothing_else(tmp_path):
    paths = write_folder(tmp_path / "mine", 5, size=24, seed=2)
    assert [path.name for path in paths][:2] == ["flower-000001.png", "flower-000002.png"]
    assert sorted(p.name for p in (tmp_path / "mine").rglob("*")) == [p.name for p in paths]
    with Image.open(paths[3]) as image:
        assert image.tobytes() == DrawnFlowers(5, 24, 2)[3].tobytes()
        assert not image.info
    with pytest.raises(StorageError, match="cannot write"):
        write_folder(paths[0], 1)


def before_background(words, found):
    """The words in front of "on a blue background"; the colour goes to `found`."""
    if words.endswith(" background"):
        found["background"] = words.split()[-2]
        for joint in (" on a ", " against a ", " in front of a "):
            words = words.rsplit(joint, 1)[0]
    return words


def before_centre(words, found):
    """The words in front of "with a big brown center"; colour and size go to `found`."""
    for mark in ("center", "centre", "middle", "eye"):
        if mark in words:
            head = words.split(mark)[0].split()
            found["centre"] = head[-1]
            found.update(("centre_size", size) for size in SIZES if head[-2] in SIZES[size])
            words = " ".join(head[: -3 if "centre_size" in found else -2])
    return words


def said_in(text):
    """What a reader takes from a caption, by words alone: nothing that the grammar computed."""
    found = {}
    words = text.lower().rstrip(".!").replace("gray", "grey")
    words = before_centre(before_background(words, found), found).split()
    kinds = {s: {s, s + "s", PLURALS.get(s)} for s in FACTS["species"]}
    found.update(("species", species) for species, names in kinds.items() if names & set(words))
    found.update(("petals", colour) for colour in PETALS if colour in words)
    found.update(("size", size) for size, names in SIZES.items() if set(names) & set(words))
    return found


def test_captions_state_exactly_the_facts_that_they_return():
    source = DrawnFlowers(600, seed=9)
    for i in range(600):
        caption, truth = source.captioned(i), source.facts(i)
        assert caption.facts.items() <= truth.items()
        told = {k: v for k, v in caption.facts.items() if k != "count"}
        assert said_in(caption.text) == told, caption.text
        if caption.facts.get("count") in ("two", "three"):
            assert caption.facts["count"] in caption.text.lower()


@pytest.mark.slow
def test_the_prompts_of_the_walkthrough_are_within_the_grammar():
    rng = random.Random(0)
    base = {"count": "one", "centre": "none"}
    cases = {
        "a red rose": base | {"species": "rose", "petals": "red"},
        "a daisy": base | {"species": "daisy"},
        "a deep red rose flower": base | {"species": "rose", "petals": "red"},
        "a red rose bud": base | {"species": "rose", "petals": "red"},
        "a bright yellow sunflower": base | {"species": "sunflower", "petals": "yellow"},
        "an orange sunflower with a big brown center": base
        | {"species": "sunflower", "petals": "orange", "centre": "brown", "centre_size": "big"},
        "a round white daisy with a yellow center": base
        | {"species": "daisy", "petals": "white", "centre": "yellow"},
    }
    for wanted, facts in cases.items():
        texts = {describe(facts, rng).text.lower().rstrip(".!") for _ in range(6000)}
        assert wanted in texts


def test_captions_are_varied_and_mostly_name_species_and_colour():
    source = DrawnFlowers(500)
    captions = [source.captioned(i) for i in range(500)]
    assert len({c.text for c in captions}) > 400
    both = sum({"species", "petals"} <= set(c.facts) for c in captions)
    assert both > 300
    assert all(c.facts for c in captions)
    assert any(c.text != c.text.lower() for c in captions)

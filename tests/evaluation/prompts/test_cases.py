"""What is asked: from a file, or from what can be read in the pictures."""

import pytest

from ddpm_clip.data.local.drawn_flowers import FACTS
from ddpm_clip.errors import DataError, MissingInput, UsageError
from ddpm_clip.evaluation.prompts.cases import (
    WORD,
    cases_of,
    digit_cases,
    fewer,
    flower_case,
    meaning,
    read_prompts,
)
from ddpm_clip.evaluation.prompts.success import PromptCase


def test_a_file_holds_prompts_and_behind_a_tab_their_facts(tmp_path):
    path = tmp_path / "prompts.txt"
    text = "\ufeffa red rose\tspecies=rose, petals = red\n\n  a cat  \na cat\n"
    path.write_text(text, encoding="utf-8")
    assert read_prompts(path) == [
        PromptCase("a red rose", {"species": "rose", "petals": "red"}),
        PromptCase("a cat", {}),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a rose\na tulip\tspecies", "prompts.txt:2: 'species' is not a fact"),
        ("a rose\tspecies=", "is not a fact"),
        ("\tspecies=rose", "the prompt is empty"),
        (" \n\n", "holds no prompt"),
        ("x" * 4001, "4001 characters"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path, text, said):
    path = tmp_path / "prompts.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as refused:
        read_prompts(path)
    assert said in str(refused.value)


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(MissingInput, match="no such file"):
        read_prompts(tmp_path / "nothing.txt")
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    with pytest.raises(DataError, match="not UTF-8 text"):
        read_prompts(tmp_path / "latin")


def test_digits_are_asked_in_four_phrasings():
    asked = cases_of({"digit": ("six", "nine")})
    assert [case.prompt for case in asked[:4]] == ["six", "6", "the digit six", "a handwritten six"]
    assert {case.facts["digit"] for case in asked} == {"six", "nine"}
    assert len(asked) == 8


def test_a_phrasing_may_spell_the_digit_with_a_capital():
    said = [case.prompt for case in digit_cases(("six", "goat"), ["{Word}!", WORD])]
    assert said == ["Six!", "six"]


def test_an_orange_takes_its_article():
    facts = {"species": "lily", "petals": "orange"}
    assert flower_case("A {petals} {species}.", facts).prompt == "An orange lily."
    assert flower_case("a {petals} {species}", facts) == PromptCase("an orange lily", facts)


def test_flowers_are_asked_for_in_every_petal_colour():
    asked = cases_of(FACTS)
    kinds = {(case.facts["species"], case.facts["petals"]) for case in asked}
    assert len(asked) == len(kinds) == len(FACTS["species"]) * len(FACTS["petals"])
    assert all(value in case.prompt for case in asked for value in case.facts.values())
    assert not any("a orange" in case.prompt for case in asked)
    assert asked == cases_of(FACTS)


def test_an_embedder_of_labels_is_asked_by_their_bare_names():
    assert cases_of(FACTS, plain=True) == [
        PromptCase(name, {"species": name}) for name in FACTS["species"]
    ]
    asked = cases_of({"label": ("grey_cat", "dog")})
    assert [case.prompt for case in asked][:2] == ["grey cat", "a photo of a grey cat"]
    assert asked[0].facts == {"label": "grey_cat"}


def test_without_labels_captions_are_asked_then_the_models_own_prompts_then_nobody():
    facts = [{"caption": f"a cat {i}"} for i in range(200)] + [{"caption": " "}]
    captions = cases_of({}, facts=facts)
    assert len({case.prompt for case in captions}) == 60
    assert all(case.facts == {} for case in captions)
    assert cases_of({}, prompts=["a", "b", "a"]) == [PromptCase("a", {}), PromptCase("b", {})]
    with pytest.raises(UsageError, match="no prompts to evaluate"):
        cases_of({})


def test_fewer_are_spread_evenly_and_meanings_do_not_depend_on_the_wording():
    cases = [PromptCase(str(i), {}) for i in range(10)]
    assert [case.prompt for case in fewer(cases, 3)] == ["0", "3", "6"]
    assert fewer(cases, 10) == cases
    assert meaning(PromptCase("x", {"b": "2", "a": "1"})) == "a=1, b=2"
    assert meaning(PromptCase("x", {})) == "x"

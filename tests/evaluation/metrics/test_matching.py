"""Real pictures of the kinds that were asked for, as many of each."""

from collections import Counter

from ddpm_clip.evaluation.metrics.matching import matched
from ddpm_clip.evaluation.prompts.success import PromptCase

CAT, DOG = PromptCase("cat", {"label": "cat"}), PromptCase("dog", {"label": "dog"})
LION = PromptCase("a cat, please", {"label": "cat"})


def real(**counts):
    return [{"label": name, "more": "x"} for name, n in counts.items() for _ in range(n)]


def test_each_kind_has_two_real_pictures_for_a_painted_one():
    facts = real(dog=50, cat=20, cow=30)
    found = matched([CAT, DOG, LION], 3, facts)
    assert found.painted == (0, 1, 2, 6, 7, 8, 3, 4, 5)
    assert len(set(found.real)) == len(found.real) == 18
    assert Counter(facts[i]["label"] for i in found.real) == {"cat": 12, "dog": 6}
    shown = [("cat", "dog", "cat")[number] for number in found.cases]
    assert [facts[i]["label"] for i in found.real] == shown
    assert found.note == ""


def test_what_has_too_few_real_pictures_is_left_out_and_told():
    found = matched([CAT, DOG], 4, real(cat=5, cow=9))
    assert len(found.painted) == 2  # of four cats; no dog
    assert set(found.painted) < {0, 1, 2, 3}
    assert "6 of 8 painted pictures" in found.note


def test_without_facts_rows_are_chosen_from_all_and_the_note_says_so():
    found = matched([CAT, PromptCase("whatever", {})], 2, real(cow=6))
    assert len(found.painted) == 3
    assert len(set(found.real)) == 6
    assert found.cases == ()
    assert "have no facts" in found.note
    assert "no real picture shows" in matched([CAT], 2, real(cow=6)).note


def test_the_same_seed_chooses_the_same():
    facts = real(cat=100)
    assert matched([CAT], 5, facts, 3) == matched([CAT], 5, facts, 3)
    assert matched([CAT], 5, facts, 3) != matched([CAT], 5, facts, 4)

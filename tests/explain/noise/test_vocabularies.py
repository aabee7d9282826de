"""Lists of words: named, in a file, or typed."""

import pytest

from ddpm_clip.errors import DataError, MissingInput, UsageError
from ddpm_clip.explain import noise_prediction
from ddpm_clip.explain.noise.vocabularies import MAX_WORDS, VOCABULARIES, words_of
from ddpm_clip.explain.target.planted import planted_target


def test_cifar_has_a_hundred_classes_in_alphabetical_order():
    words = words_of("cifar100")
    assert words == VOCABULARIES["cifar100"]
    assert len(set(words)) == 100
    assert list(words) == sorted(words)
    assert "lawn mower" in words


def test_words_are_typed_with_commas_and_counted_once():
    assert words_of("cat, dog,cat") == ("cat", "dog")


def test_a_file_has_a_word_a_line_or_the_synonyms_of_a_class(tmp_path):
    (tmp_path / "plain").write_text("cat\n\ndog\n", encoding="utf-8")
    (tmp_path / "labels.txt").write_text("n01\ttench, Tinca tinca\nn02\tcrane\n", encoding="utf-8")
    assert words_of(str(tmp_path / "plain")) == ("cat", "dog")
    assert words_of(str(tmp_path / "labels.txt")) == ("tench", "crane")


def test_the_labels_of_tiny_imagenet_are_read(data_root):
    words = words_of(str(data_root / "tiny_imagenet" / "labels.txt"))
    assert len(words) == 200
    assert "Egyptian cat" in words


@pytest.mark.slow
def test_what_names_no_words_is_refused(tmp_path):
    (tmp_path / "many.txt").write_text("\n".join(map(str, range(MAX_WORDS + 1))), encoding="utf-8")
    (tmp_path / "long.txt").write_text("word" * 5000, encoding="utf-8")
    files = [str(tmp_path / name) for name in ("many.txt", "long.txt")]
    for text in (" ", *files):
        with pytest.raises(UsageError):
            words_of(text)
    for text in ("nowhere.txt", "no/where"):
        with pytest.raises(MissingInput):
            words_of(text)


def test_a_file_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("ddpm_clip.data.local.npz.MAX_LABELS", 10)
    (tmp_path / "words.txt").write_text("cat\ndog\nhorse\n", encoding="utf-8")
    with pytest.raises(DataError):
        words_of(str(tmp_path / "words.txt"))


@pytest.mark.slow
def test_the_asked_class_is_looked_for_beside_a_vocabulary():
    found = noise_prediction(planted_target("a two", range(4)), quick=True, words="seven,nine")
    reading = found.numbers["reading"]
    assert reading["words"] == ("seven", "nine", "two")
    assert reading["asked_above_others"]["mean"] > 0

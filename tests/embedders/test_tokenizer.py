"""Every text becomes tokens of one length; none can crash the text tower."""

import sys

import pytest
import torch

from ddpm_clip.embedders.tokenizer import (
    ALPHABET,
    END,
    PAD,
    START,
    UNKNOWN,
    VOCABULARY,
    normalise,
    tokenise,
)


@pytest.mark.slow
def test_every_character_of_unicode_has_a_token():
    step = 13  # about 85,000 characters, from every plane, lone surrogates among them
    texts = [chr(code) for code in range(0, sys.maxunicode + 1, step)]
    ids = tokenise(texts, 24)
    assert ids.shape == (len(texts), 24)
    assert ids.dtype == torch.int64
    assert ids.min() >= 0
    assert ids.max() < VOCABULARY


@pytest.mark.parametrize(
    "character", ["6!", "a.", "b?", "'", '"', "é", "六", "🌹", "\x00", "\n\t", ""]
)
def test_awkward_prompts_start_and_end_as_any_other(character):
    (row,) = tokenise([character], 12).tolist()
    assert row[0] == START
    assert row.count(END) == 1
    assert all(token == PAD for token in row[row.index(END) + 1 :])


def test_the_letters_of_the_alphabet_have_tokens_of_their_own():
    (row,) = tokenise([f"x{ALPHABET.strip()}x"], 96).tolist()
    tokens = set(row) - {PAD, START, END}
    assert UNKNOWN not in tokens
    assert len(tokens) == len(set(ALPHABET))


def test_foreign_characters_become_the_unknown_token_and_keep_their_place():
    (row,) = tokenise(["a六b"], 8).tolist()
    assert row[2] == UNKNOWN
    assert row[4] == END


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("  A  Red\nROSE ", "a red rose"),
        ("Grün", "grun"),
        ("\ufb01ve \uff16", "five 6"),
        ("I\u2019m", "i\u2019m"),
    ],
)
def test_case_accents_and_spacing_do_not_count(text, plain):
    assert normalise(text) == plain
    assert torch.equal(tokenise([text], 20), tokenise([plain], 20))


def test_a_text_that_just_fits_is_not_cut():
    (row,) = tokenise(["a" * 10], 12).tolist()
    assert row[-1] == END


def test_a_long_text_is_cut_with_a_warning_that_names_it():
    with pytest.warns(UserWarning, match="the prompt 'aaaa.* first 10 characters"):
        ids = tokenise(["a" * 11, "b"], 12)
    assert ids.shape == (2, 12)
    assert ids[0].tolist() == [START, *ids[0, 1:2].tolist() * 10, END]


def test_no_text_is_no_row():
    assert tokenise([], 12).shape == (0, 12)

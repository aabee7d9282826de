"""Values as JSON can say them."""

import doctest
import json
import math

import pytest
import torch

from ddpm_clip.reports import as_json, figures
from ddpm_clip.reports.as_json import json_text, jsonable


def test_numbers_become_plain_json_and_what_is_no_number_becomes_nothing():
    told = jsonable(
        {"t": torch.tensor([1.0, math.inf]), "pair": (1, 2.0), "deep": {3: math.nan}, "x": "ü"}
    )
    assert told == {"t": [1.0, None], "pair": [1, 2.0], "deep": {"3": None}, "x": "ü"}
    assert json.loads(json_text(told)) == told


def test_what_json_cannot_say_is_no_text():
    with pytest.raises(ValueError, match="JSON"):
        json_text({"x": math.nan})


@pytest.mark.parametrize("module", [as_json, figures], ids=lambda module: module.__name__)
def test_the_examples_in_the_docstrings_are_true(module):
    assert doctest.testmod(module).failed == 0

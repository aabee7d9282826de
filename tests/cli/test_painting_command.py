"""Commands that paint have their options from one place, and say of them what the config does."""

import re

import pytest

from ddpm_clip.cli.painting_command import PaintingArguments, painting_command
from ddpm_clip.config.painting_options import OPTIONS

COMMANDS = ("generate", "vary", "interpolate", "blend", "img2img", "inpaint")
COMMON = [name.replace("_", "-") for name in PaintingArguments.__dataclass_fields__]
COMMON[COMMON.index("as-json")] = "json"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_paints_has_the_common_options_in_their_order(cli, name):
    text = cli(name, "--help").out
    found = re.findall(r"^  --?([a-z][\w-]*)", text, re.M)
    assert [option for option in found if option in COMMON] == COMMON
    told = " ".join(text.split())
    for option in COMMON:
        if option in OPTIONS:
            assert OPTIONS[option].description[1:] in told


@pytest.mark.parametrize("name", ["evaluate", "explain"])
def test_a_command_that_measures_says_the_same_of_an_option(cli, name):
    told = " ".join(cli(name, "--help").out.split())
    for option in ("steps", "sampler", "guidance"):
        assert OPTIONS[option].description[1:] in told


def test_arguments_arrive_together_and_own_ones_beside_them():
    seen = {}

    @painting_command(n=3)
    def paint(what: str, *, args: PaintingArguments, loud: bool = False) -> None:
        """Paint."""
        seen.update(what=what, args=args, loud=loud)

    given = {"what": "a rose", "loud": True}
    given |= dict.fromkeys(PaintingArguments.__dataclass_fields__) | {"n": 3, "steps": 5}
    paint(**given)
    assert (seen["what"], seen["loud"]) == ("a rose", True)
    assert (seen["args"].n, seen["args"].steps) == (3, 5)
    assert (paint.__name__, paint.__doc__) == ("paint", "Paint.")

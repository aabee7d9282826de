"""Commands that paint have their options from one place, and say of them what the config does."""

import re

import pytest

from ddpm_clip.cli.painting_command import PaintingArguments, painting_command
from ddpm_clip.config.painting_options import OPTIONS

COMMANDS = ("generate", "vary", "interpolate", "blend", "img2img", "inpaint", "point", "sample")
FIELDS = [name for name in PaintingArguments.__dataclass_fields__ if name != "command"]
COMMON = [name.replace("_", "-") for name in FIELDS]
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
    given |= dict.fromkeys(FIELDS) | {"n": 3, "steps": 5}
    paint(**given)
    assert (seen["what"], seen["loud"]) == ("a rose", True)
    assert (seen["args"].n, seen["args"].steps) == (3, 5)
    assert seen["args"].place().command == "paint"
    assert (paint.__name__, paint.__doc__) == ("paint", "Paint.")


def test_the_help_says_what_an_option_is_unless_it_is_given(cli):
    told = " ".join(cli("generate", "--help").out.split())
    assert told.count("(default: the model's, usually ") == 10
    assert "Pictures per prompt (default: the model's, usually 4)." in told
    assert "Noise levels sigma at which it guides (default: the model's, usually 0.15,3)." in told
    own = " ".join(cli("interpolate", "--help").out.split())
    assert "Pictures per prompt. [default: 1]" in own, "this command has a default of its own"


def test_the_help_of_explain_names_every_analysis_that_ships(cli):
    from ddpm_clip.cli.commands.explain import ANALYSES
    from ddpm_clip.explain import EXPLANATIONS

    assert ANALYSES.split(", ") == list(EXPLANATIONS)
    assert ANALYSES in " ".join(cli("explain", "--help").out.split())


@pytest.mark.parametrize(("typed", "arrives"), [("0.5,2", (0.5, 2)), ("all", (0.0, 1e9))])
def test_guidance_can_be_limited_to_some_noise_levels(typed, arrives):
    args = PaintingArguments(guidance_interval=typed, rescale=0.5, clamp="dynamic")
    overrides = args.overrides()
    assert overrides["interval"] == arrives
    assert (overrides["rescale"], overrides["clamp"]) == (0.5, "dynamic")

import pytest
import torch
from planted import ATTRIBUTES

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.judge.network import JudgeReading
from ddpm_clip.evaluation.prompts.success import (
    Count,
    JudgedPicture,
    PromptCase,
    count_success,
    paint_cases,
    prompt_success,
    tabulated,
)
from ddpm_clip.utils.generators import finish

BAR = PromptCase("a light bar", {"shape": "bar", "tone": "light"})
RING = PromptCase("a ring", {"shape": "ring"})


class FirstPixelJudge:
    """Reads the shape from the first pixel, the tone from the second, doubt from the third."""

    classes = ATTRIBUTES["shape"]
    attributes = ATTRIBUTES

    def __call__(self, x):
        return torch.ones(len(x), 3) / 3, x[:, 0, 0, 2] > 0

    def read(self, x):
        shapes = [self.classes[int(i)] for i in x[:, 0, 0, 0]]
        tones = [ATTRIBUTES["tone"][int(i)] for i in x[:, 0, 0, 1]]
        return {"shape": JudgeReading(shapes, x), "tone": JudgeReading(tones, x)}


def pictures(*rows):
    x = torch.zeros(len(rows), 1, 4, 4)
    x[:, 0, 0, :3] = torch.tensor(rows, dtype=torch.float)
    return x


def test_a_picture_succeeds_where_every_asked_fact_is_read_and_nothing_is_rejected():
    bars = (0, 1, 0), (0, 0, 0), (0, 1, 1)  # right, of the wrong tone, right but doubted
    rings = (2, 0, 0), (2, 1, 0), (1, 0, 1)  # right, right, wrong and doubted
    x = pictures(*bars, *rings)
    table = count_success(FirstPixelJudge(), x, [BAR, RING], seed=9)
    assert table.total == Count(n=6, read=4, success=3, rejected=2)
    assert table.prompts == {"a light bar": Count(3, 2, 1, 1), "a ring": Count(3, 2, 2, 1)}
    assert table.values == {
        "shape: bar": Count(3, 3, 2, 1),
        "tone: light": Count(3, 2, 1, 1),
        "shape: ring": Count(3, 2, 2, 1),
    }
    assert table.attributes == {"shape": Count(6, 5, 4, 2), "tone": Count(3, 2, 1, 1)}
    assert table.worst_value == ("tone: light", Count(3, 2, 1, 1))
    assert table.first_seed == 9


def test_counts_tell_share_interval_and_json():
    count = Count(n=100, read=95, success=90, rejected=6)
    assert count.share == 0.9
    assert count.interval == pytest.approx((0.826, 0.945), abs=1e-3)
    assert count.as_dict()["interval_95"] == pytest.approx([0.826, 0.945], abs=1e-3)
    assert Count().share == 0.0


def test_the_json_form_names_prompts_only_where_asked():
    table = tabulated([JudgedPicture(RING, {"shape": True}, False)])
    assert "prompts" not in table.as_dict()
    assert table.as_dict(prompts=True)["prompts"]["a ring"]["success"] == 1


def test_a_fact_that_the_judge_cannot_read_is_refused_before_painting(tiny_tti):
    odd = PromptCase("a smelly bar", {"smell": "sweet"})
    with pytest.raises(UsageError, match="cannot read smell = 'sweet'"):
        next(prompt_success(tiny_tti, FirstPixelJudge(), [odd], 1))
    cross = PromptCase("a cross", {"shape": "cross"})
    with pytest.raises(UsageError, match="cannot read shape = 'cross'"):
        count_success(FirstPixelJudge(), pictures((0, 0, 0)), [cross])


def test_every_picture_is_the_one_that_its_own_seed_paints(tiny_tti):
    x = finish(paint_cases(tiny_tti, [BAR, RING], n=2, seed=10))
    assert x.shape == (4, 1, 16, 16)
    for row, prompt in enumerate(["a light bar", "a light bar", "a ring", "a ring"]):
        alone = finish(paint_cases(tiny_tti, [PromptCase(prompt, {})], n=1, seed=10 + row))
        assert (x[row] - alone[0]).abs().max() < 0.02  # one grey level of 8 bits
    assert not torch.equal(x[0], x[1])


def test_a_real_judge_counts_what_a_real_model_paints(tiny_tti, toy_judge):
    table = finish(prompt_success(tiny_tti, toy_judge, [BAR, RING], n=3, seed=1, steps=3))
    assert table.total.n == 6
    assert {name: count.n for name, count in table.attributes.items()} == {"shape": 6, "tone": 3}


def test_several_guidance_scales_are_no_table(tiny_tti):
    with pytest.raises(UsageError, match="2 guidance scales"):
        next(paint_cases(tiny_tti, [RING], 1, guidance=(1.0, 2.0)))

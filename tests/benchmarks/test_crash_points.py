"""A process may end at any change of the disk: short versions of `benchmarks/soak/crash_points.py`.

Here a save is ended at every point and the others at some; the soak does all, under every cut.
"""

import pytest

EVERY = {
    "save": 1,
    "prune": 3,
    "set aside": 2,
    "begin": 3,
    "begin anew": 4,
    "embed": 8,
    "merge": 10,
    "pack": 5,
}
"""Of so many points one is tried, for the sake of time."""


def test_every_scenario_is_tried(soak):
    assert [one.name for one in soak("crash_scenarios").SCENARIOS] == list(EVERY)


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
def test_wherever_a_kill_falls_the_newest_good_state_opens(soak, name):
    scenario = next(one for one in soak("crash_scenarios").SCENARIOS if one.name == name)
    outcome = soak("crash_points").enumerated(scenario, "kill", EVERY[name])
    assert outcome.lost == []
    assert outcome.points >= 3


@pytest.mark.slow
@pytest.mark.parametrize("cut", ["data lost", "all lost"])
def test_a_power_cut_loses_no_checkpoint_either(soak, cut):
    outcome = soak("crash_points").enumerated(soak("crash_scenarios").SAVE, cut, 4)
    assert outcome.lost == []
    assert outcome.points >= 10


@pytest.mark.slow
@pytest.mark.parametrize(("number", "every"), [(0, 1), (1, 4)])
def test_the_controls_lose(soak, number, every):
    scenario, cut = soak("crash_scenarios").CONTROLS[number]
    outcome = soak("crash_points").enumerated(scenario, cut, every)
    assert len(outcome.lost) >= outcome.points / 4

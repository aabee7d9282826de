"""A training that was given minutes ends on time with its rate decayed, on any kind of machine."""

from itertools import pairwise

import pytest

from ddpm_clip.config.schema import TrainingConfig
from ddpm_clip.training.steps.pace import CLOSING, Pace, Plan, Timing
from ddpm_clip.training.steps.state import learning_rate

CONFIG = TrainingConfig(lr=1.0, warmup=10, decay=0.3, final_lr=0.02)


class Machine:
    """A clock, and what a step costs at each time of it."""

    def __init__(self, cost, around=0.0):
        self.now, self.cost, self.around = 0.0, cost, around

    def trained(self, pace, step=0, evaluations=0, began=None, stop=None):
        """Rates by step, until the plan ends."""
        pace.start(step, 64, Timing(lambda: self.now, began, evaluations))
        rates = {}
        while step < pace.total and step != stop:
            step += 1
            progress = pace.begin(step)
            rates[step] = learning_rate(step, pace.total, CONFIG, progress)
            self.now += self.cost(self.now)
            if pace.is_due(step):
                pace.follow(step, *pace.look(step))
            self.now += self.around
        return rates


def steady(seconds):
    return lambda now: seconds


MACHINES = {
    "as planned": steady(0.1),
    "twice as slow": steady(0.2),
    "three times as fast": steady(0.1 / 3),
    "busier at half time": lambda now: 0.1 if now < 300 else 0.35,
    "busier near the end": lambda now: 0.1 if now < 540 else 0.3,
    "quieter at half time": lambda now: 0.3 if now < 300 else 0.1,
    "to and fro": lambda now: 0.1 if int(now) % 60 < 30 else 0.25,
}


@pytest.mark.parametrize("name", MACHINES)
def test_it_ends_on_time_with_the_rate_decayed(name):
    machine, pace = Machine(MACHINES[name]), Pace.of(10, 6000)
    rates = machine.trained(pace)
    assert machine.now == pytest.approx(600, rel=0.02)
    assert list(rates.values())[-1] == pytest.approx(CONFIG.final_lr)
    assert len(rates) == pace.total


@pytest.mark.parametrize("name", MACHINES)
def test_the_rate_never_jumps_and_never_rises_again(name):
    pace = Pace.of(10, 6000)
    rates = list(Machine(MACHINES[name]).trained(pace).values())[CONFIG.warmup :]
    falls = [a - b for a, b in pairwise(rates)]
    assert min(falls) >= -1e-9
    assert max(falls) < 0.05, "a fiftieth of the decay at most, but for the last steps"


def test_a_pause_shortens_what_is_left_and_nothing_else():
    def cost(now):
        return 120.0 if 200 <= now < 201 else 0.1

    machine, pace = Machine(cost), Pace.of(10, 6000)
    rates = machine.trained(pace)
    assert machine.now == pytest.approx(600, rel=0.02)
    assert len(rates) == pytest.approx(4800, rel=0.02), "two minutes of steps fewer, not more"
    assert list(rates.values())[-1] == pytest.approx(CONFIG.final_lr)


def test_held_out_losses_and_samples_between_steps_are_part_of_the_time():
    machine, pace = Machine(steady(0.1), around=0.1), Pace.of(10, 6000)
    machine.trained(pace)
    assert machine.now == pytest.approx(600, rel=0.02)
    assert pace.total == pytest.approx(3000, rel=0.02)


def test_time_before_the_first_step_and_after_the_last_is_left_out_of_the_steps():
    machine, pace = Machine(steady(0.1)), Pace.of(10, 6000)
    machine.now = 60.0  # decoding and embedding
    machine.trained(pace, began=0.0, evaluations=19_200)
    after = CLOSING + 19_200 / 64 / 3 * 0.1
    assert machine.now + after == pytest.approx(600, rel=0.02)
    assert after > 10


def test_without_a_change_there_is_one_plan_and_the_usual_rate():
    pace = Pace.of(1, 600)
    rates = Machine(steady(0.1)).trained(pace)
    assert pace.plans == [Plan(0, 0.0, 600)]
    assert rates == pytest.approx({i: learning_rate(i, 600, CONFIG) for i in range(1, 601)})


def test_a_resumed_training_follows_the_plans_of_its_checkpoint():
    machine, pace = Machine(MACHINES["busier at half time"]), Pace.of(10, 6000)
    rates = machine.trained(pace, stop=3500)
    assert len(pace.plans) > 1
    kept = pace.as_dict(3500)
    resumed = Pace.of(10, 1, kept)  # the number of steps is that of the plans
    assert resumed.plans == pace.plans
    assert resumed.progress(3501) == pace.progress(3501)
    later = Machine(steady(0.35))
    rates |= later.trained(resumed, step=3500)
    assert kept["spent"] + later.now == pytest.approx(600, rel=0.02)
    falls = [rates[i] - rates[i + 1] for i in range(CONFIG.warmup, resumed.total)]
    assert min(falls) >= -1e-9
    assert rates[resumed.total] == pytest.approx(CONFIG.final_lr)


def test_more_minutes_go_on_from_the_share_that_was_spent():
    machine, pace = Machine(steady(0.1)), Pace.of(10, 6000)
    machine.trained(pace)
    more = Pace.of(20, 1, pace.as_dict(pace.total))
    assert more.progress(pace.total) == pytest.approx(0.5, abs=0.01)
    machine = Machine(steady(0.1))
    machine.trained(more, step=pace.total)
    assert machine.now == pytest.approx(600, rel=0.03)


def test_fewer_minutes_than_were_spent_end_at_once():
    machine, pace = Machine(steady(0.1)), Pace.of(10, 6000)
    machine.trained(pace, stop=3000)
    less = Pace.of(2, 1, pace.as_dict(3000))
    assert less.total == 3000
    assert less.progress(3000) == 1

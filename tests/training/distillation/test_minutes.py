"""As many walks and steps are planned as fit into the minutes, by the clock of a trial."""

import pytest

from ddpm_clip.config.schema import Config
from ddpm_clip.errors import UsageError
from ddpm_clip.runs.run import Run
from ddpm_clip.training.distillation import distill, plan
from ddpm_clip.training.distillation.walks import SHARD


@pytest.fixture
def clock(monkeypatch):
    """A clock that only `passes(seconds)` moves."""
    now = [0.0]
    monkeypatch.setattr(plan.time, "perf_counter", lambda: now[0])

    def passes(seconds):
        def work():
            now[0] += seconds

        return work

    return passes


def test_the_time_is_shared_between_walks_and_steps(clock):
    made = plan.planned(Config(), 10.0, clock(2.0), clock(0.5), 1000)
    assert made.distillation.walks == round(0.35 * 600 / 2) * SHARD
    assert made.training.steps == round(0.58 * 600 / 0.5)
    double = plan.planned(Config(), 20.0, clock(2.0), clock(0.5), 1000)
    assert double.training.steps == 2 * made.training.steps


def test_the_walks_stay_within_memory_and_a_few_are_always_taken(clock):
    large = plan.planned(Config(), 100.0, clock(0.1), clock(0.5), 2**22)
    assert large.distillation.walks * 2**22 <= plan.LARGEST
    short = plan.planned(Config(), 0.01, clock(2.0), clock(5.0), 1000)
    assert (short.distillation.walks, short.training.steps) == (4 * SHARD, 20)


@pytest.mark.slow
def test_a_distillation_of_some_minutes_is_planned_once_and_goes_on_as_planned(teacher, tmp_path):
    small = ("training.batch_size=4", "distillation.walk_steps=6")
    work = distill(teacher, tmp_path / "run", minutes=0.005, assignments=small)
    first = next(work)
    work.close()
    planned = Run.open(tmp_path / "run").config
    assert planned.distillation.walks >= 4 * SHARD
    assert planned.training.steps >= 20
    assert first.total == planned.distillation.walks // SHARD
    work = distill(teacher, tmp_path / "run", minutes=9.0, assignments=small)
    next(work)
    work.close()
    assert Run.open(tmp_path / "run").config == planned
    for wrong in (0, -1, 2000):
        with pytest.raises(UsageError, match="minutes"):
            next(distill(teacher, tmp_path / "other", minutes=wrong))

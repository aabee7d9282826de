"""The claims on few-call models: of the best method, over its seeds, against 20 steps."""

import pytest


@pytest.fixture
def distilled(soak):
    return soak("distilled")


def arm(frechet, recall=0.5, success=0.99, told=0.6, speed=1.0, minutes=5.0, **more):
    return {
        "pictures": 100,
        "frechet": {"value": frechet},
        "recall": {"value": recall},
        "success": {"share": success},
        "told_apart": {"accuracy": told},
        "times_faster": {"median": speed},
        "minutes_of_distilling": minutes,
    } | more


FOUND = {
    "digits: teacher, 20 steps": arm(2.0),
    "digits: teacher, 1 steps": arm(0.1),
    "digits: trajectory; 1 calls; seed 0": arm(2.0, 0.48, speed=22.0),
    "digits: trajectory; 1 calls; seed 1": arm(2.4, 0.46, speed=24.0, minutes=11.0),
    "digits: consistency; 1 calls; seed 0": arm(3.0, 0.9, speed=400.0),
    "digits: trajectory; 2 calls; seed 0": arm(1.9, told=0.63),
}


def test_they_are_of_the_method_with_the_least_distance_over_its_seeds(distilled):
    claims = {one["claim"]: one for one in distilled.claims(FOUND)}
    one = "digits, 1 call, trainings: 2, n = 100: "
    assert claims[one + "Fréchet distance"]["measured"] == pytest.approx(1.1)
    assert claims[one + "Fréchet distance"]["needed"] == 1.05
    assert claims[one + "recall"]["measured"] == pytest.approx(0.94)
    assert claims[one + "pictures a second"]["measured"] == pytest.approx(23)
    assert claims[one + "distilling"]["measured"] == 11, "the longest of them"
    two = "digits, 2 calls, trainings: 1, n = 100: "
    assert claims[two + "Fréchet distance"]["holds"]
    assert claims[two + "told apart, difference"]["measured"] == pytest.approx(0.03)
    assert not claims[two + "told apart, difference"]["holds"]
    assert two + "pictures a second" not in claims


def test_without_the_teacher_nothing_is_claimed(distilled):
    assert distilled.claims({key: FOUND[key] for key in list(FOUND)[1:]}) == []

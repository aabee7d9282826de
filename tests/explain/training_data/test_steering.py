import pytest
import torch

from ddpm_clip.conditioning.conditioner import BridgeOptions, Conditioner
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.explain.training_data.steering import (
    conditions_with,
    instead,
    intercepted,
    random_rows,
    steering,
    unchanged,
    without,
)
from tests.explain.banked import banked, conditioner_of, pictures_of_classes


def test_the_neighbours_are_those_that_the_bridge_used():
    target = banked("a three")
    found = steering(target)
    e = torch.eye(10)[3][None]
    cosines, rows = target.conditioner.neighbours(e, 6)
    assert found.k == 6
    assert found.rows.tolist() == rows[0].tolist()
    torch.testing.assert_close(found.weights, (cosines[0] / 0.05).softmax(0))
    assert found.weights.sum().item() == pytest.approx(1.0)
    assert found.keys == tuple(f"picture {row}" for row in found.rows.tolist())
    assert {row % 10 for row in found.rows.tolist()} == {3}  # its own class
    assert not set(found.next_rows.tolist()) & set(found.rows.tolist())


def test_as_it_is_nothing_changes_and_afterwards_everything_is_as_before():
    target = banked("a three")
    plain = target.conditions(seeds=[1, 2])
    assert conditions_with(target, unchanged, [1, 2]).equal(plain)
    with pytest.raises(RuntimeError), intercepted(target.conditioner, without(3)):
        raise RuntimeError
    assert "neighbours" not in vars(target.conditioner)
    assert target.conditions(seeds=[1, 2]).equal(plain)


def test_leaving_a_row_out_is_a_bank_without_it():
    target = banked("a three")
    found = steering(target)
    images = pictures_of_classes()
    for row in (int(found.rows[0]), int(found.rows[-1]), 11):  # 11 is no neighbour
        kept = torch.tensor([i for i in range(len(images)) if i != row])
        smaller = Conditioner(
            target.conditioner.mean_image,
            target.conditioner.mean_text,
            target.conditioner.radius_image,
            target.conditioner.radius_text,
            target.conditioner.covariance,
            target.conditioner.bank[kept],
            options=target.conditioner.options,
        )
        c = conditions_with(target, without(row), [0])
        wanted = banked("a three", conditioner=smaller).conditions(seeds=[0])
        torch.testing.assert_close(c, wanted)


def test_others_take_the_weights_of_those_that_they_replace():
    target = banked("a three")
    found, theirs = steering(target), steering(target, "a seven")
    heard = []

    def listen(ask, e, k):
        heard.append(instead(theirs.rows)(ask, e, k))
        return heard[-1]

    conditions_with(target, listen, [0])
    cosines, rows = heard[0]
    assert rows[0].tolist() == theirs.rows.tolist()
    torch.testing.assert_close(cosines[0], found.cosines)


def test_a_model_of_another_bridge_is_asked_as_if_by_neighbours_and_keeps_its_own():
    target = banked("a three", conditioner=conditioner_of(BridgeOptions("shift", knn_k=6)))
    found = steering(target)
    assert found.rows.tolist() == steering(banked("a three")).rows.tolist()
    assert target.conditioner.options.bridge == "shift"


def test_without_a_bank_nothing_steers():
    assert steering(planted_target()) is None
    small = conditioner_of(BridgeOptions("shift", knn_k=500))
    assert steering(banked("a three", conditioner=small)) is None


def test_rows_by_lot_are_none_of_the_others_and_the_same_again():
    but = torch.arange(50)
    rows = random_rows(60, 10, 0, but)
    assert sorted(rows.tolist()) == list(range(50, 60))
    assert random_rows(60, 10, 0, but).equal(rows)

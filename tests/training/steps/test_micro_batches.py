"""A step that does not fit into memory is cut smaller and tried again, with the same draws."""

import math
import warnings

import pytest
import torch

from ddpm_clip.errors import OutOfMemory
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.runs.run import Run
from ddpm_clip.training.loop import train
from ddpm_clip.training.steps.micro_batches import halved, is_out_of_memory, with_room
from tests.training.test_loop import config, everything, prepared, trained


@pytest.fixture
def small_memory(monkeypatch):
    """`small_memory(most, error)`: a loss of more than `most` pictures at once raises."""

    def limit(most, error=None):
        plain = DDPM.get_loss

        def get_loss(self, network, x_0, *rest):
            if len(x_0) > most:
                raise error or torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")
            return plain(self, network, x_0, *rest)

        monkeypatch.setattr(DDPM, "get_loss", get_loss)

    return limit


@pytest.mark.slow
def test_it_ends_where_a_run_ends_that_was_cut_so_from_the_beginning(tmp_path, small_memory):
    settings, data = config(steps=4, dropout=0.2), prepared(flip=True)
    asked = trained(tmp_path / "asked", config(steps=4, dropout=0.2, accumulation=3), data)
    small_memory(2)
    with pytest.warns(UserWarning, match="step 1 does not fit .* in [23] micro-batches"):
        cut = trained(tmp_path / "cut", settings, data)
    one, other = everything(asked), everything(cut)
    assert all(torch.equal(one[2][k], other[2][k]) for k in one[2])
    assert other[1]["parts"] == 3


@pytest.mark.slow
def test_a_resumed_run_stays_cut(tmp_path, small_memory, monkeypatch):
    settings, data = config(steps=4), prepared()
    small_memory(3)
    with pytest.warns(UserWarning, match="2 micro-batches"):
        whole = trained(tmp_path / "whole", settings, data)
    with pytest.warns(UserWarning, match="2 micro-batches"):
        trained(tmp_path / "parts", settings, data, stop=2)
    parts = trained(tmp_path / "parts", settings, data)  # a warning would be an error here
    one, other = everything(whole), everything(parts)
    assert all(torch.equal(one[2][k], other[2][k]) for k in one[2])


def test_when_one_picture_does_not_fit_the_error_says_what_helps(tmp_path, small_memory):
    run = Run.create(tmp_path, config(steps=4))
    small_memory(0)
    with run.writing(), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(OutOfMemory, match="a single picture") as refused:
            list(train(run, prepared()))
    assert [str(one.message).split()[-2] for one in told] == ["2", "3", "6"]
    assert refused.value.exit_code == 70
    assert all(word in refused.value.fix for word in ("down_chs", "image_size", "device"))


def test_another_error_is_not_tried_again(tmp_path, small_memory):
    run = Run.create(tmp_path, config(steps=4))
    small_memory(0, RuntimeError("shapes do not fit"))
    with run.writing(), pytest.raises(RuntimeError, match="shapes do not fit"):
        list(train(run, prepared()))


def test_one_of_several_processes_does_not_retry_by_itself():
    def attempt(parts):
        raise MemoryError

    with pytest.raises(OutOfMemory, match="accumulation=4"):
        with_room(attempt, 2, 8, lambda parts: pytest.fail("tried again"), alone=False)


@pytest.mark.parametrize(
    ("parts", "rows", "then"), [(1, 64, 2), (2, 7, 4), (4, 7, 7), (1, 3, 2), (2, 3, 3)]
)
def test_the_largest_micro_batch_is_halved(parts, rows, then):
    assert halved(parts, rows, "") == then
    largest = max(len(part) for part in torch.arange(rows).tensor_split(then))
    assert largest == math.ceil(math.ceil(rows / parts) / 2)


def test_a_lack_of_memory_is_told_from_other_errors():
    with pytest.raises(RuntimeError) as refused:
        torch.empty(2**62, dtype=torch.uint8)
    assert is_out_of_memory(refused.value)
    assert is_out_of_memory(torch.OutOfMemoryError("x"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))

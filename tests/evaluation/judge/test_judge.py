import json

import pytest
import torch
from planted import ATTRIBUTES, planted

from ddpm_clip.errors import DataError, MissingInput, UsageError
from ddpm_clip.evaluation.judge.network import CARD, WEIGHTS, JudgeNet
from ddpm_clip.types import Judge
from ddpm_clip.utils.tensors import to_float


def test_a_judge_is_a_judge():
    assert isinstance(JudgeNet({"digit": "0123456789"}, 1, 28), Judge)


def test_a_judge_of_a_shipped_models_size_fits_in_two_megabytes(tmp_path):
    for attributes, img_ch, size in (({"digit": "0123456789"}, 1, 28), ({"a": "abcdefg"}, 3, 32)):
        JudgeNet(attributes, img_ch, size).save(tmp_path, card={})
        assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 2e6


@pytest.mark.parametrize("size", [8, 15, 28, 32, 64])
def test_any_size_from_eight_pixels_on_is_read(size):
    judge = JudgeNet(ATTRIBUTES, 3, size, width=8).eval()
    probs, rejected = judge(torch.zeros(2, 3, size, size))
    assert probs.shape == (2, 3)
    assert rejected.dtype == torch.bool
    assert probs.sum(1) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.slow
def test_reading_names_the_likeliest_value_of_every_attribute(toy_judge):
    x = to_float(planted(20, seed=5)[0])
    readings = toy_judge.read(x)
    assert list(readings) == ["shape", "tone"]
    for name, reading in readings.items():
        best = reading.probs.argmax(1).tolist()
        assert reading.labels == [ATTRIBUTES[name][i] for i in best]
    assert torch.equal(readings["shape"].probs, toy_judge(x)[0])


@pytest.mark.slow
def test_a_judge_survives_its_folder(toy_judge, tmp_path):
    toy_judge.save(tmp_path / "judge", card={"figures": {"n": 3}})
    opened = JudgeNet.load(tmp_path / "judge")
    x = to_float(planted(50, seed=6)[0])
    assert opened.attributes == toy_judge.attributes
    assert opened.classes == toy_judge.classes
    assert opened.threshold == toy_judge.threshold
    assert opened.card == {"figures": {"n": 3}}
    assert not opened.training
    assert torch.allclose(opened(x)[0], toy_judge(x)[0], atol=5e-3)  # stored as fp16


@pytest.mark.slow
def test_pictures_of_another_shape_are_refused(toy_judge):
    with pytest.raises(UsageError, match=r"\(3, 16, 16\) for a judge of \(1, 16, 16\)"):
        toy_judge(torch.zeros(1, 3, 16, 16))


def test_a_judge_reads_pictures_that_are_not_square_and_is_kept_with_their_shape(tmp_path):
    judge = JudgeNet(ATTRIBUTES, 1, (16, 24), width=8).eval()
    x = torch.rand(3, 1, 16, 24) * 2 - 1
    judge.save(tmp_path, {})
    loaded = JudgeNet.load(tmp_path)
    assert loaded.image_shape == (1, 16, 24)
    assert torch.allclose(loaded(x)[0], judge(x)[0], atol=0.02)
    with pytest.raises(UsageError, match="for a judge of"):
        loaded(x.transpose(2, 3))


def test_a_judge_without_attributes_or_pixels_is_refused():
    with pytest.raises(UsageError, match="a judge of 0 attributes"):
        JudgeNet({}, 1, 28)
    with pytest.raises(UsageError, match="for 4x4 pixels"):
        JudgeNet(ATTRIBUTES, 1, 4)


@pytest.mark.parametrize("lost", [CARD, WEIGHTS])
def test_a_missing_file_of_a_judge_is_named(toy_judge, tmp_path, lost):
    toy_judge.save(tmp_path, card={})
    (tmp_path / lost).unlink()
    with pytest.raises(MissingInput, match=lost):
        JudgeNet.load(tmp_path)


@pytest.mark.parametrize("damage", ["{", "{}", '{"attributes": {"a": ["b"]}, "options": {}}'])
def test_a_damaged_card_is_an_error(toy_judge, tmp_path, damage):
    toy_judge.save(tmp_path, card={})
    (tmp_path / CARD).write_text(damage)
    with pytest.raises(DataError, match="damaged"):
        JudgeNet.load(tmp_path)


def test_weights_of_another_judge_are_an_error(toy_judge, tmp_path):
    toy_judge.save(tmp_path, card={})
    facts = json.loads((tmp_path / CARD).read_text())
    facts["attributes"]["shape"].append("cross")
    (tmp_path / CARD).write_text(json.dumps(facts))
    with pytest.raises(DataError, match="damaged"):
        JudgeNet.load(tmp_path)


def test_cut_off_weights_are_an_error(toy_judge, tmp_path):
    toy_judge.save(tmp_path, card={})
    data = (tmp_path / WEIGHTS).read_bytes()
    (tmp_path / WEIGHTS).write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match="damaged"):
        JudgeNet.load(tmp_path)

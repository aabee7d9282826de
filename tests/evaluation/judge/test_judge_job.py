import pytest

from ddpm_clip.config.resolve import resolve
from ddpm_clip.errors import CannotCreate
from ddpm_clip.evaluation.judge.job import train_judge_run
from ddpm_clip.evaluation.judge.network import JudgeNet
from ddpm_clip.evaluation.judge.training import train_judge
from ddpm_clip.utils.generators import finish


def flowers():
    drawn = ["data.source=drawn-flowers", "data.draw=60", "data.draw_seed=3", "data.image_size=16"]
    return resolve(assignments=drawn, environ={})[0].data


@pytest.mark.slow
def test_a_judge_of_drawn_flowers_goes_from_source_to_folder(tmp_path):
    folder = tmp_path / "judge"
    figures = finish(train_judge_run(folder, flowers(), steps=3, batch_size=8, width=8, seed=5))
    judge = JudgeNet.load(folder)
    assert judge.classes[0] == "daisy"
    assert {"species", "petals", "count", "centre", "background"} <= judge.attributes.keys()
    assert judge.threshold > 0
    assert judge.card["figures"]["accuracy"] == figures.accuracy
    assert (judge.card["seed"], judge.card["draw_seed"], judge.card["trained_on"]) == (5, 3, 54)


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(CannotCreate, match="does not hold a judge"):
        finish(train_judge_run(tmp_path, flowers(), steps=3))
    assert [file.name for file in tmp_path.iterdir()] == ["letters.txt"]


@pytest.mark.slow
def test_a_judge_of_one_half_never_sees_the_other(tmp_path, monkeypatch):
    shown = []

    def train(net, pixels, facts, **options):
        shown.append({one.numpy().tobytes() for one in pixels})
        return train_judge(net, pixels, facts, **options)

    monkeypatch.setattr("ddpm_clip.evaluation.judge.job.train_judge", train)
    for half in (1, 2):
        work = train_judge_run(
            tmp_path / str(half), flowers(), steps=2, batch_size=8, width=8, half=half
        )
        finish(work)
    assert [len(one) for one in shown] == [27, 27]  # a tenth of thirty sets the threshold
    assert not shown[0] & shown[1]
    assert JudgeNet.load(tmp_path / "2").card["half"] == 2

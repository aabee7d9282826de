"""A package of somebody else adds an entry to a family, and the commands list, accept and use it.

The package is a real one: a module and its `dist-info` in a folder on the path. Everything runs in
one other process, because a registry looks for plug-ins once.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

MODULE = '''
"""A package of somebody else."""

import torch
from torch.nn import functional as F

from ddpm_clip.diffusion.schedules import NoiseSchedule
from ddpm_clip.evaluation.metrics.against_real import Metric
from ddpm_clip.explain import Explanation
from ddpm_clip.explain.panels.kinds import Bars
from ddpm_clip.utils.tensors import stack_pictures


def straight(T):
    alpha = torch.linspace(1 - 0.1 / T, 0.1 / T, T, dtype=torch.float64)
    return NoiseSchedule(alpha, (1 - alpha**2).sqrt())


def mean_light(target, *, quick=False):
    x = yield from target.pictures(target.conditions())
    bars = Bars("mean", [str(seed) for seed in target.seeds], x.mean((1, 2, 3)).tolist())
    return Explanation("mean_light", "Light", "A bar a seed.", (bars,), "It was measured.", "pass")


def between_means(painted, real):
    return {"means": (painted.mean(0) - real.mean(0)).norm().item()}


means = Metric({"means": "low"}, between_means)


class MeanColour:
    name, dim, fingerprint = "mean_colour", 3, "1"
    WORDS = {"red": (1.0, 0.0, 0.0), "green": (0.0, 1.0, 0.0), "blue": (0.0, 0.0, 1.0)}

    def __init__(self, size):
        self.size = size

    def embed_pixels(self, x):
        return F.normalize((x + 1).mean((2, 3)) + 1e-6, dim=1)

    def embed_images(self, images):
        return self.embed_pixels(stack_pictures(images, self.size, 3))

    def embed_items(self, items):
        return self.embed_images([item.image for item in items])

    def embed_texts(self, texts):
        rows = [self.WORDS.get(text, (1.0, 1.0, 1.0)) for text in texts]
        return F.normalize(torch.tensor(rows).reshape(-1, 3), dim=1)

    def prompt_bank(self):
        return list(self.WORDS)


def open_mean_colour(*, batch_size):
    return MeanColour(batch_size)  # any size will do: it shows that the option arrives
'''

ENTRY_POINTS = """
[ddpm_clip]
schedule.straight = shades:straight
explanation.mean_light = shades:mean_light
metric.means = shades:means
metric.torn = shades.not_there:torn
embedder.mean_colour = shades:open_mean_colour
"""

DRIVER = """
import contextlib, io, json, sys
from ddpm_clip.cli.main import main

ended = []
for words in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    ended.append([code, out.getvalue(), err.getvalue()])

import torch
from ddpm_clip import TextToImage
from ddpm_clip.evaluation.metrics.against_real import METRICS, beside_real
from ddpm_clip.utils.generators import finish

model = TextToImage.from_pretrained("run").model
real = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
found = finish(beside_real("means", real[:20] + 1, real))
print(json.dumps({
    "ended": ended,
    "alpha": model.ddpm.schedule.alpha.tolist(),
    "size": model.embedder.size,
    "red": model.embedder.embed_texts(["red"]).tolist(),
    "metrics": [list(METRICS), list(METRICS.usable)],
    "means": found["means"].painted,
}))
"""

SMALL = (
    "drawn-flowers:40", "--steps", "2", "--no-animation",
    "--set", "data.image_size=16", "--set", "model.down_chs=[16, 32]", "--set", "model.blocks=1",
    "--set", "model.attention=0", "--set", "training.batch_size=8",
)  # fmt: skip
TRAIN = ("train", *SMALL, "--set", "embedder.name=mean_colour", "--set", "embedder.batch_size=16")
LINES = {
    "doctor": ["doctor", "--json"],
    "no such schedule": [*TRAIN, "--out", "none", "--set", "diffusion.schedule=strait"],
    "no such embedder": ["train", *SMALL, "--out", "none", "--set", "embedder.name=mean_color"],
    "train": [*TRAIN, "--out", "run", "--set", "diffusion.schedule=straight"],
    "generate": ["generate", "red", "--model", "run", "-n", "1", "--steps", "2", "--json"],
    "embed": ["embed", "drawn-flowers:4", "--embedder", "mean_colour", "--out", "colours.csv"],
    "no such analysis": ["explain", "run", "red", "--analyses", "mean_lite", "--out", "none"],
    "explain": ["explain", "run", "red", "--analyses", "mean-light", "--seeds", "0-1", "--steps",
                "2", "--quick", "--out", "report", "--json"],
}  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the commands and the library say where the package is installed."""
    home = tmp_path_factory.mktemp("work")
    packages = tmp_path_factory.mktemp("packages")
    (packages / "shades.py").write_text(MODULE)
    about = packages / "shades-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: shades\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS)
    path = os.pathsep.join([str(packages), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps(list(LINES.values())),
        capture_output=True,
        text=True,
        cwd=home,
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    return said | {"ended": dict(zip(LINES, said["ended"], strict=True)), "home": home}


def test_a_wrong_name_is_answered_with_the_plug_ins_too(told):
    for line, name in {
        "no such schedule": "straight",
        "no such embedder": "mean_colour",
        "no such analysis": "mean_light",
    }.items():
        code, _, err = told["ended"][line]
        assert code == 2
        assert f"did you mean '{name}'?" in err
    assert not (Path(told["home"]) / "none").exists()


@pytest.mark.slow
def test_a_schedule_is_accepted_and_trained_on(told):
    assert told["ended"]["train"][0] == 0, told["ended"]["train"][2]
    T = len(told["alpha"])
    assert told["alpha"][0] == pytest.approx(1 - 0.1 / T)
    assert told["alpha"][T // 2] == pytest.approx(0.5, abs=0.01)  # straight, as cosine is not


def test_an_embedder_is_accepted_given_its_options_and_asked_for_its_words(told):
    assert json.loads((told["home"] / "run" / "embedder.json").read_text()) == {
        "name": "mean_colour",
        "dim": 3,
        "fingerprint": "1",
    }
    assert (told["size"], told["red"]) == (16, [[1.0, 0.0, 0.0]])
    code, out, err = told["ended"]["generate"]
    assert code == 0, err
    assert (told["home"] / json.loads(out)[0]["file"]).is_file()


def test_embed_takes_the_name_of_an_embedder_for_one_and_not_for_a_clip(told):
    code, _, err = told["ended"]["embed"]
    assert code == 0, err
    rows = (told["home"] / "colours.csv").read_text().splitlines()
    assert len(rows) == 4
    assert all(len(row.split(",")) == 1 + 3 for row in rows)


def test_an_analysis_is_accepted_and_made(told):
    code, out, err = told["ended"]["explain"]
    assert code == 0, err
    (analysis,) = json.loads(out)["analyses"]
    assert (analysis["name"], analysis["verdict"]) == ("mean_light", "pass")


def test_a_metric_is_listed_and_measured_and_a_broken_one_is_left_out(told):
    listed, usable = told["metrics"]
    assert listed[-2:] == ["means", "torn"]
    assert usable == listed[:-1]
    assert 1 < told["means"] < 3  # moved by 1 along each of 3 axes


def test_doctor_lists_the_plug_ins_and_says_which_are_broken(told):
    plug_ins = json.loads(told["ended"]["doctor"][1])["plug_ins"]
    assert "schedule.straight of shades" in plug_ins
    (broken,) = [line for line in plug_ins if "cannot be loaded" in line]
    assert broken.startswith("metric.torn")
    assert "shades.not_there" in broken

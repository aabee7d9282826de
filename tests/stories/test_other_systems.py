"""Training and painting where the system has neither `fcntl` nor `resource`, as Windows has not."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

HIDDEN = """
import sys
sys.modules["fcntl"] = sys.modules["resource"] = None  # whoever imports them gets ImportError
import json
from ddpm_clip.cli.main import main

for words in json.load(sys.stdin):
    if code := main(words):
        raise SystemExit(code)
"""

TRAIN = (
    "train", "drawn-flowers:40", "--out", "run", "--steps", "2", "--no-animation",
    "--set", "embedder.name=labels", "--set", "data.image_size=16", "--set", "model.blocks=1",
    "--set", "model.down_chs=[16, 32]", "--set", "model.attention=0",
    "--set", "training.batch_size=8",
)  # fmt: skip
PAINT = ("generate", "rose", "--model", "run", "-n", "1", "--steps", "2", "--out", "rose.png")


def test_training_and_painting_need_neither_and_say_once_what_cannot_be_limited(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", HIDDEN],
        input=json.dumps([TRAIN, PAINT, ["embed", "drawn-flowers:4", "--embedder", "labels",
                                         "--out", "embedded"]]),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "rose.png").is_file()
    assert not (tmp_path / "run" / "lock").exists()
    told = [line for line in done.stderr.splitlines() if line.startswith("warning:")]
    assert len(told) == 1, told
    assert "cannot limit the memory of a process" in told[0]

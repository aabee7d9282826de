"""A training so small that it takes a second, and the run it leaves."""

from pathlib import Path

import pytest

from ddpm_clip.cli.main import main

TINY = """
data: {source: "drawn-flowers:40", image_size: 16}
model: {down_chs: [16, 32], blocks: 1, t_embed_dim: 16, attention: 0}
embedder: {name: labels}
training: {steps: 4, batch_size: 8, warmup: 1, checkpoint_every: 2, sample_every: 2,
           heldout_every: 2, dtype: float32, animation: false}
generation: {steps: 2, n: 2, prompts: [rose, tulip]}
"""


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Path:
    """A config file whose model has classes for words, so that no weights are needed."""
    path = tmp_path_factory.mktemp("config") / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def run(tiny, tmp_path_factory) -> Path:
    """A finished run; tests leave it as it is."""
    folder = tmp_path_factory.mktemp("runs") / "flowers"
    assert main(["-q", "train", "--config", str(tiny), "--out", str(folder)]) == 0
    return folder

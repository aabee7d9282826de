"""A run that paints within a tenth of a second: an untrained network of 8 x 8 pixels, two classes.

Its embedder is `labels`, so that no weights are needed; its weights are random, so that every
option of painting changes pixels.
"""

from pathlib import Path
from typing import Any

import torch

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.conditioning.files import save_conditioner
from ddpm_clip.config.schema import Config
from ddpm_clip.runs.run import Run
from ddpm_clip.training.steps.state import TrainState, start_state

CLASSES = ("left", "right")


def tiny_config(**sections: dict[str, Any]) -> Config:
    """The config of the run; `sections` changes some values."""
    tree: dict[str, dict[str, Any]] = {
        "model": {"down_chs": (8, 16), "blocks": 1, "stem": 1, "t_embed_dim": 8, "attention": 0},
        "diffusion": {"timesteps": 50},
        "embedder": {"name": "labels"},
        "conditioning": {"bridge": "identity"},
        "data": {"image_size": 8, "channels": 3},
        "training": {"dtype": "float32", "device": "cpu", "steps": 4, "batch_size": 4},
        "generation": {"steps": 3, "prompts": CLASSES, "interval": None},
    }
    for name, values in sections.items():
        tree[name] = tree.get(name, {}) | values
    return Config.model_validate(tree)


def random_state(run: Run, seed: int = 0) -> TrainState:
    """The state of a training whose weights and average are random, not zero in places."""
    state = start_state(run, len(CLASSES) + 1, torch.device("cpu"))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in state.model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    state.ema.register()
    return state


def tiny_run(folder: Path, **sections: dict[str, Any]) -> Run:
    """The run, with one checkpoint, of step 1."""
    run = Run.create(folder, tiny_config(**sections))
    run.write_json("classes.json", {"classes": list(CLASSES)})
    eye = torch.eye(len(CLASSES))
    keys = [f"{name}/0.png" for name in CLASSES]
    save_conditioner(run.folder, Conditioner.fit(eye, eye, keys=keys, prompts=CLASSES))
    state = random_state(run)
    state.step = 1
    run.save(state.checkpoint())
    return run

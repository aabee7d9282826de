"""A toy judge that has learned a toy set, and a tiny model that really paints."""

import pytest
import torch
from planted import ATTRIBUTES, planted
from tiny_clip_tti import clip_tti

from ddpm_clip.evaluation.judge.network import JudgeNet
from ddpm_clip.evaluation.judge.training import calibrate, train_judge


@pytest.fixture(scope="session")
def toy_judge():
    """Trained on `planted` for a few seconds, calibrated on others of its kind."""
    torch.manual_seed(0)
    judge = JudgeNet(ATTRIBUTES, img_ch=1, img_size=16, width=8, dropout=0.1)
    pixels, facts = planted(600, seed=0)
    for _ in train_judge(judge, pixels, facts, steps=120, batch_size=64, lr=1e-2, seed=0):
        pass
    calibrate(judge, planted(300, seed=1)[0])
    return judge


@pytest.fixture(scope="session")
def tiny_tti():
    """An untrained model of 16x16 grey with everything that painting needs."""
    return clip_tti()

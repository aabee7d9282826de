"""An untrained model of 16 x 16 grey with a mini-CLIP: it embeds words and pictures, and paints."""

from pathlib import Path

import torch

from ddpm_clip.build import build_ddpm, build_denoiser
from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.config.resolve import resolve
from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.runs.pretrained import LoadedModel


def clip_tti() -> TextToImage:
    """An untrained model of 16x16 grey with everything that painting needs."""
    config, _ = resolve(
        environ={},
        assignments=[
            "model.down_chs=[8, 16]",
            "model.blocks=1",
            "model.t_embed_dim=8",
            "model.attention=0",
            "diffusion.timesteps=20",
            "data.image_size=16",
            "data.channels=1",
            "generation.steps=2",
            "embedder.name=mini_clip",
            "conditioning.bridge=shift",
        ],
    )
    torch.manual_seed(0)
    clip = MiniClip(1, 16, dim=8, width=8, text_width=32).eval()
    images, texts = torch.randn(40, 8), clip.embed_texts(["bar", "beam", "ring", "a light bar"])
    conditioner = Conditioner.fit(images, texts)
    network = build_denoiser(
        config.model, T=20, img_ch=1, img_size=16, c_embed_dim=conditioner.width
    ).eval()
    with torch.no_grad():  # outputs start at zero, and then no condition could be seen
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    model = LoadedModel(
        "tiny",
        Path(),
        config,
        network,
        build_ddpm(config.diffusion),
        conditioner,
        (),
        "",
        0,
        torch.device("cpu"),
    )
    model.__dict__["embedder"] = clip
    return TextToImage(model)

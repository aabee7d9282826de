"""The networks of other libraries, with one training step as in their own examples.

    pip install diffusers
    pip install --no-deps denoising-diffusion-pytorch einops     # and scipy, tqdm

Both train without a condition and without an EMA, on a batch that is already in memory: everything
left out here is in their favour. The second package imports torchvision and other packages for its
data and its FID, which a training step does not need; empty modules replace them during the import.
"""

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STAND_INS = (
    "torchvision",
    "torchvision.transforms",
    "torchvision.utils",
    "torchvision.datasets",
    "pytorch_fid",
    "pytorch_fid.inception",
    "pytorch_fid.fid_score",
    "accelerate",
    "ema_pytorch",
)
"""What denoising-diffusion-pytorch imports besides its networks."""

SETTINGS: dict[str, tuple[torch.dtype, bool, bool]] = {
    "float32": (torch.float32, False, False),
    "float32, channels_last": (torch.float32, True, False),
    "bfloat16, channels_last": (torch.bfloat16, True, False),
    "float32, channels_last, compiled": (torch.float32, True, True),
    "bfloat16, channels_last, compiled": (torch.bfloat16, True, True),
}
"""Dtype, channels_last, torch.compile. The examples of the libraries use the first setting."""

DEFAULT = "float32"


class NotInstalled(Exception):
    """A peer is not installed; the message says how to install it."""


class Sample(nn.Module):
    """Unwraps the output of a network that returns a tuple."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        """x_t (b, c, h, w), t (b,) -> (b, c, h, w)."""
        output: Tensor = self.network(x_t, t, return_dict=False)[0]
        return output


def diffusers_unet(size: int = 32, img_ch: int = 1, **options: Any) -> nn.Module:
    """The `UNet2DModel` of diffusers with three levels, and attention at the lowest.

    Raises:
        NotInstalled: diffusers is not installed.
    """
    try:
        from diffusers import UNet2DModel
    except ImportError as error:
        raise NotInstalled("diffusers is not installed: pip install diffusers") from error
    shape: dict[str, Any] = {
        "block_out_channels": (32, 64, 128),
        "layers_per_block": 2,
        "down_block_types": ("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
        "up_block_types": ("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
    }
    network: nn.Module = UNet2DModel(
        sample_size=size, in_channels=img_ch, out_channels=img_ch, **shape | options
    )
    return network


def lucidrains_unet(img_ch: int = 1) -> nn.Module:
    """`Unet(dim=32, dim_mults=(1, 2, 4))` of denoising-diffusion-pytorch.

    Raises:
        NotInstalled: it is not installed, or cannot be imported.
    """
    name = "denoising_diffusion_pytorch.denoising_diffusion_pytorch"
    try:
        with _stand_ins():
            module = importlib.import_module(name)
    except ImportError as error:
        raise NotInstalled(
            f"denoising-diffusion-pytorch cannot be imported ({error}): "
            "pip install --no-deps denoising-diffusion-pytorch einops, then scipy and tqdm"
        ) from error
    network: nn.Module = module.Unet(dim=32, dim_mults=(1, 2, 4), channels=img_ch)
    return network


PEERS: dict[str, tuple[str, Callable[[], nn.Module]]] = {
    "diffusers UNet2DModel": ("diffusers", lambda: Sample(diffusers_unet())),
    "denoising-diffusion-pytorch Unet": ("denoising-diffusion-pytorch", lucidrains_unet),
}
"""Package and network; both networks are called as `network(x_t, t)`."""


class PeerStep:
    """Noise, forward, loss, backward, clipping and AdamW, on one batch that stays in memory.

    Args:
        network: freshly initialised network, called as `network(x_t, t)`.
        setting: a name in `SETTINGS`.
        batch: pictures per batch.
        size: side of the pictures.
        device: device to train on.
    """

    def __init__(
        self, network: nn.Module, setting: str, batch: int, size: int = 32, device: str = "cpu"
    ):
        self.dtype, last, compiled = SETTINGS[setting]
        layout = torch.channels_last if last else torch.contiguous_format
        self.trained = network.to(device, memory_format=layout).train()  # type: ignore[call-overload]
        self.network = torch.compile(self.trained) if compiled else self.trained
        self.batch, self.device = batch, device
        self.optimizer = torch.optim.AdamW(self.trained.parameters(), 1e-4, fused=last)
        self.alpha_bar = torch.linspace(1e-4, 0.02, 1000).neg().add(1).cumprod(0).to(device)
        x_0 = torch.rand(batch, 1, size, size, device=device) * 2 - 1
        self.x_0 = x_0.contiguous(memory_format=layout)

    def __call__(self) -> None:
        """Run one training step."""
        t = torch.randint(0, 1000, (self.batch,), device=self.device)
        eps = torch.randn_like(self.x_0)
        kept = self.alpha_bar[t].view(-1, 1, 1, 1)
        x_t = kept.sqrt() * self.x_0 + (1 - kept).sqrt() * eps
        with torch.autocast(self.device, self.dtype, enabled=self.dtype != torch.float32):
            output = self.network(x_t, t)
        loss = F.mse_loss(output.float(), eps)
        loss.backward()
        nn.utils.clip_grad_norm_(self.trained.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()


def versions(packages: Sequence[str]) -> dict[str, str]:
    """The installed version of each package."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


class _Empty(ModuleType):
    """A module in which every name is an empty class."""

    __path__: list[str] = []  # noqa: RUF012 - makes it a package

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


@contextmanager
def _stand_ins() -> Iterator[None]:
    """Replace modules that are not needed by empty ones, and restore the real ones afterwards."""
    real = {name: sys.modules[name] for name in STAND_INS if name in sys.modules}
    sys.modules.update({name: _Empty(name) for name in STAND_INS})
    try:
        yield
    finally:
        for name in STAND_INS:
            sys.modules.pop(name, None)
        sys.modules.update(real)

"""Chooses device and number type, and reads the size of main memory."""

import os
import warnings

import torch


def pick_device(name: str = "auto") -> torch.device:
    """Return a device; `auto` chooses CUDA, else MPS, else the CPU."""
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is computed in hardware; emulated it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":  # oneDNN also "supports" it by emulation, several times slower
        units = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        return units and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return False


def pick_dtype(name: str, device: torch.device) -> torch.dtype:
    """Return a number type; `auto` chooses bfloat16 if it is fast, else float32, never float16."""
    if name == "auto":
        return torch.bfloat16 if has_fast_bfloat16(device) else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[name]


def use_tf32(wanted: bool) -> None:
    """If `wanted`, compute float32 products and convolutions on CUDA in TensorFloat-32 from now on.

    Its mantissa has 10 bits instead of 23. Other devices are not affected. Otherwise nothing is
    changed: torch's default, or what a caller has set.
    """
    if not wanted:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch names a newer setting, which compiling cannot read
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True


def physical_memory() -> int:
    """Return the bytes of main memory; if unknown, more than any machine has."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**60

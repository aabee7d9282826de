"""Recognises weights of the earlier projects by the names and shapes of their tensors.

Three networks are known: the one of the course's notebooks and of the first xNoise, the one of the
later xNoise, and the one of the MNIST project with its own CLIP. Sizes are read off the tensors.
Other weights are refused, by name where they are recognised (Stable Diffusion, CLIP, ...).
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from ddpm_clip.errors import DataError

KNOWN = (
    "the course network (notebooks 04 to 06), xNoise's, and the MNIST project's with its own CLIP"
)

PREFIXES = ("_orig_mod.", "module.", "network.")
"""Prefixes that torch.compile, data parallelism and the MNIST project's wrapper add to names."""

OTHER_NETWORKS = {
    "model.diffusion_model.": "a Stable Diffusion checkpoint",
    "cond_stage_model.": "a Stable Diffusion checkpoint",
    "down_blocks.": "a network of diffusers", "time_embedding.linear_1": "a network of diffusers",
    "visual.transformer": "OpenAI's CLIP", "vision_model.": "a CLIP of transformers",
    "text_model.": "a CLIP of transformers", "lora_": "a LoRA", "image_encoder.": "a CLIP alone",
    "encoder.down": "an autoencoder", "blocks.0.attn": "a transformer",
    "layer1.0.conv1": "a residual network",
}  # fmt: skip

_COURSE = (
    (r"\.conv\.(weight|bias)$", r".model.0.\1"),  # names of the later xNoise -> of the earlier
    (r"\.norm\.(weight|bias)$", r".model.1.\1"),
    (r"^down0\.conv1\.model\.", "enter.0."),
    (r"^down0\.conv2\.model\.", "enter.1."),
    (r"^down0\.shortcut\.", "shortcut."),
    (r"^down([12])\.model\.2\.conv\.model\.", r"down\1.3."),
    (r"^down([12])\.model\.([01])\.model\.", r"down\1.\2."),
    (r"^t_emb([12])\.model\.", r"time\1."),
    (r"^c_embed([12])\.model\.", r"context\1."),
    (r"^up0\.(?:1\.)?model\.", "up0."),
    (r"^up([12])\.model\.([1-4])\.model\.", r"up\1.\2."),
    (r"^up([12])\.model\.0\.(?=weight|bias)", r"up\1.0."),
    (r"^out\.", "leave."),
)
"""(pattern, replacement) from their tensor names to ours, applied one after the other."""

_POOLED_BLOCK = {
    "conv1": "first",
    "conv2": "second",
    "norm": "norm",
    "time_embedding_projection": "time",
    "clip_embedding_projection": "context",
}


@dataclass(frozen=True, slots=True, eq=False)
class LegacyNetwork:
    """A network of an earlier project: its name in `DENOISERS`, its sizes, its renamed weights."""

    arch: str
    img_ch: int
    img_size: int
    down_chs: tuple[int, ...]
    t_embed_dim: int
    c_embed_dim: int
    weights: dict[str, Tensor]
    betas: tuple[float, ...] = ()


def recognised(tensors: Mapping[str, Tensor]) -> LegacyNetwork:
    """Return the network that the tensors belong to.

    Raises:
        DataError: the network is not one of the known ones.
    """
    bare = {_bare(name): value.float() for name, value in tensors.items()}
    if "dense_emb.0.weight" in bare or "dense_emb.1.weight" in bare:
        return _course(bare)
    if "bottleneck.conv1.weight" in bare and "conv8.conv1.weight" in bare:
        return _pooled(bare)
    raise DataError(
        f"these weights are {_kind_of(bare)}",
        f"only these can be imported: {KNOWN}",
        "give a checkpoint of one of them",
    )


def _bare(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _kind_of(names: Mapping[str, Tensor]) -> str:
    for mark, what in OTHER_NETWORKS.items():
        if any(name.startswith(mark) or f".{mark}" in name for name in names):
            return what
    some = ", ".join(sorted(names)[:3])
    return f"of an unknown network ({some[:120]}, …)" if some else "empty"


def _course(bare: Mapping[str, Tensor]) -> LegacyNetwork:
    """Read a network of the course's family; early notebooks' have no condition: refused."""
    later = "down0.shortcut.weight" in bare or "up0.conv.weight" in bare
    try:
        d0, img_ch = bare["out.0.weight"].shape[0], bare["out.3.weight"].shape[0]
        d1, dense = bare["dense_emb.0.weight"].shape
        d2 = bare["t_emb1.model.0.weight"].shape[0]
        t_embed_dim = bare["t_emb1.model.0.weight"].shape[1]
        c_embed_dim = bare["c_embed1.model.0.weight"].shape[1]
    except (KeyError, ValueError) as error:
        raise DataError(
            "these weights are of a course network without a condition, or incomplete",
            f"{error} is missing",
            f"only these can be imported: {KNOWN}",
        ) from error
    side = math.isqrt(dense // max(1, d2))
    first = 0 if later else 1  # in the earlier network, an activation precedes the bottleneck
    weights = {
        _renamed(name, first): value for name, value in bare.items() if name[:8] != "to_vec."
    }
    arch = "xnoise_unet" if later else "dli_unet"
    return LegacyNetwork(arch, img_ch, 4 * side, (d0, d1, d2), t_embed_dim, c_embed_dim, weights)


def _renamed(name: str, first: int) -> str:
    """Return our name of a tensor of the course network; unknown names are kept."""
    if dense := re.fullmatch(r"dense_emb\.(\d)\.(\w+)", name):
        return f"bottleneck.{int(dense[1]) + first}.{dense[2]}"
    for pattern, ours in _COURSE:
        name = re.sub(pattern, ours, name)
    return name


def _pooled(bare: Mapping[str, Tensor]) -> LegacyNetwork:
    """Read the MNIST project's network; betas are among its tensors, its side is always 32."""
    try:
        chs = [bare[f"conv{i}.conv1.weight"].shape[0] for i in range(1, 5)]
        chs.append(bare["bottleneck.conv1.weight"].shape[0])
        img_ch = bare["final_layer.weight"].shape[0]
        t_embed_dim = bare["time_embedding.time_mlp.0.weight"].shape[0]
        c_embed_dim = bare["conv1.clip_embedding_projection.weight"].shape[1]
    except (KeyError, IndexError) as error:
        raise DataError("these weights are incomplete", f"{error} is missing") from error
    tables = ("betas", "alphas", "alpha_bars")
    weights = {_pooled_name(name): v for name, v in bare.items() if name not in tables}
    betas = tuple(bare["betas"].flatten().tolist()) if "betas" in bare else ()
    return LegacyNetwork(
        "pooled_unet", img_ch, 32, tuple(chs), t_embed_dim, c_embed_dim, weights, betas
    )


def _pooled_name(name: str) -> str:
    """Return our name of a tensor of the MNIST project; unknown names are kept."""
    head, _, rest = name.partition(".")
    inner, _, last = rest.partition(".")
    if head == "time_embedding":
        return rest.replace("time_mlp.", "time.", 1)
    if head == "final_layer":
        return f"leave.{rest}"
    if up := re.fullmatch(r"up([1-4])", head):
        return f"up.{int(up[1]) - 1}.{rest}"
    if inner not in _POOLED_BLOCK or not re.fullmatch("conv[1-8]|bottleneck", head):
        return name
    # conv1-4 are the encoder, then the bottleneck, conv5-8 the decoder
    number = 4 if head == "bottleneck" else int(head[4:]) - 1
    below = head == "bottleneck" or number < 4
    where = f"down.{number}" if below else f"joined.{number - 4}"
    return f"{where}.{_POOLED_BLOCK[inner]}.{last}"

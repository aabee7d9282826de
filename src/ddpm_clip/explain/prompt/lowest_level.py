"""Read and change the smallest feature map of a network by a forward hook.

The hook reads the last map of the smallest size, from which the network upsamples again, and may
add to it. The network itself is not changed.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.readers import Wrap
from ddpm_clip.types import Predict, Prediction


class Tap:
    """A forward hook on a module, which reads its feature map and may add to it.

    Attributes:
        module: the module.
        name: its name in the network.
        feature_map: (b, ch, h, w) its output in the last call.
        added: (ch, h, w) what is added to the map of every picture; None adds nothing.
    """

    def __init__(self, module: nn.Module, name: str):
        self.module, self.name = module, name
        self.feature_map: Tensor | None = None
        self.added: Tensor | None = None

    @contextmanager
    def open(self) -> Iterator["Tap"]:
        """Read the map, and add `added` to it, until the block ends, even by an error."""
        handle = self.module.register_forward_hook(self._hook)
        try:
            yield self
        finally:
            handle.remove()
            self.added = None

    def adding(self, directions: Mapping[float, Tensor], dose: float) -> Wrap:
        """Return a wrap that adds `dose` times the direction of each timestep.

        A timestep without a direction, as in solvers of higher order, takes that of the nearest.
        """

        def wrap(predict: Predict) -> Predict:
            def with_addition(x_t: Tensor, t: float) -> Prediction:
                nearest = min(directions, key=lambda known: abs(known - t))
                self.added = dose * directions[nearest]
                try:
                    return predict(x_t, t)
                finally:
                    self.added = None

            return with_addition

        return wrap

    def _hook(self, module: nn.Module, arguments: Any, output: Tensor) -> Tensor | None:
        self.feature_map = output.detach()
        return None if self.added is None else output + self.added.to(output)


def tap_of(target: AnalysisTarget) -> Tap | None:
    """Return a tap at the lowest level of a target's network; None if it has no feature maps.

    It is found in one call: of all modules that return a map (b, ch, h, w), the last one called of
    those with the smallest map.
    """
    network = target.network
    if not isinstance(network, nn.Module):
        return None
    maps: list[tuple[str, nn.Module, int]] = []

    def recording(name: str) -> Any:
        def hook(module: nn.Module, arguments: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim == 4:
                maps.append((name, module, output.shape[2] * output.shape[3]))

        return hook

    inner = [(name, module) for name, module in network.named_modules() if name]
    handles = [module.register_forward_hook(recording(name)) for name, module in inner]
    try:
        c = target.conditions(seeds=target.seeds[:1])
        x = torch.zeros(1, *target.image_shape, device=target.ddpm.device)
        target.predict(c, scale=1.0)(x, target.timesteps()[0])
    finally:
        for handle in handles:
            handle.remove()
    if not maps:
        return None
    smallest = min(size for _, _, size in maps)
    name, module, _ = [one for one in maps if one[2] == smallest][-1]
    return Tap(module, name)

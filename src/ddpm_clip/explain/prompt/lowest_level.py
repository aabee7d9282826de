"""Listening at the lowest level of a network, and leaning on it, from outside.

A forward hook hears the last map of the smallest size, from which the network paints back up, and
may add to it. The network itself is not changed. Knows nothing of prompts or directions.
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
    """What a hook hears and adds.

    Attributes:
        module: that is listened to.
        name: its place in the network.
        heard: (b, ch, h, w) the map of the last call.
        added: (ch, h, w) what is added to the map of every picture; None for nothing.
    """

    def __init__(self, module: nn.Module, name: str):
        self.module, self.name = module, name
        self.heard: Tensor | None = None
        self.added: Tensor | None = None

    @contextmanager
    def open(self) -> Iterator["Tap"]:
        """Listen, and add `added`, until the block ends, however it ends."""
        handle = self.module.register_forward_hook(self._hook)
        try:
            yield self
        finally:
            handle.remove()
            self.added = None

    def leaning(self, directions: Mapping[float, Tensor], dose: float) -> Wrap:
        """A wrap that adds `dose` times the direction of a row whenever the row is asked about.

        A row without one of its own, as solvers of higher order ask, gets that of the nearest.
        """

        def wrap(predict: Predict) -> Predict:
            def leant(x_t: Tensor, t: float) -> Prediction:
                row = min(directions, key=lambda known: abs(known - t))
                self.added = dose * directions[row]
                try:
                    return predict(x_t, t)
                finally:
                    self.added = None

            return leant

        return wrap

    def _hook(self, module: nn.Module, arguments: Any, said: Tensor) -> Tensor | None:
        self.heard = said.detach()
        return None if self.added is None else said + self.added.to(said)


def tap_of(target: AnalysisTarget) -> Tap | None:
    """A tap at the lowest level of a target's network; None where it cannot be looked into.

    One call finds it: of all modules that give a map (b, ch, h, w), the last one called among
    those whose map is smallest.
    """
    network = target.network
    if not isinstance(network, nn.Module):
        return None
    maps: list[tuple[str, nn.Module, int]] = []

    def note(name: str) -> Any:
        def hook(module: nn.Module, arguments: Any, said: Any) -> None:
            if isinstance(said, Tensor) and said.ndim == 4:
                maps.append((name, module, said.shape[2] * said.shape[3]))

        return hook

    inner = [(name, module) for name, module in network.named_modules() if name]
    handles = [module.register_forward_hook(note(name)) for name, module in inner]
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

"""Count the FLOPs and bytes of each op from the shapes of its tensors.

Counts below autograd, so forward and backward passes, optimiser and EMA are all included. FLOPs are
exact for convolutions, linear layers and matrix products (a multiply-add counts as two) and 0 for
everything else. Bytes are what each op reads and writes if no cache keeps anything between ops;
views move nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("convolutions", ("conv",)),
    ("normalisation", ("norm_backward", "group_norm", "layer_norm", "batch_norm", "rms_norm")),
    ("linear and attention", ("mm", "linear", "softmax", "attention", "addmv", "einsum")),
    ("activations", ("silu", "gelu", "relu", "sigmoid", "tanh")),
    ("optimiser", ("adam", "sgd")),
    ("average of weights", ("foreach_lerp",)),
    ("gradient clipping", ("foreach_norm", "foreach_mul", "vector_norm", "foreach_clamp")),
    ("random numbers", ("rand", "normal_", "bernoulli", "uniform_", "multinomial")),
    ("resizing and joining", ("upsample", "cat", "pixel_", "stack", "index")),
    ("copies and casts", ("copy", "clone", "contiguous", "fill_", "zero", "empty", "resize_")),
)
"""Group -> patterns; an op belongs to the first group with a pattern that its name contains."""

REST = "other element-wise work"


def group_of(name: str) -> str:
    """The group of an op, from its name without `aten::`.

    >>> group_of("convolution_backward"), group_of("native_group_norm"), group_of("add")
    ('convolutions', 'normalisation', 'other element-wise work')
    """
    for group, patterns in GROUPS:
        if any(pattern in name for pattern in patterns):
            return group
    return REST


@dataclass(frozen=True, slots=True)
class Blank:
    """The layout of a tensor without its values: enough to create another one like it."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device

    @classmethod
    def of(cls, x: Tensor) -> "Blank":
        """The layout of a tensor."""
        return cls(tuple(x.shape), x.stride(), x.dtype, x.device)

    def filled(self) -> Tensor:
        """A tensor of small random values with this layout."""
        x = torch.empty_strided(self.size, self.stride, dtype=self.dtype, device=self.device)
        return x.normal_(std=0.1) if self.dtype.is_floating_point else x.zero_()


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One recorded call of an op."""

    name: str
    flops: int
    bytes: int
    op: Callable[..., Any]
    args: tuple[Any, ...]  # `Blank` in place of tensors; kept for convolutions only

    @property
    def group(self) -> str:
        """The group of the op."""
        return group_of(self.name)

    def replay(self) -> Callable[[], Any]:
        """Return a function that repeats this call on random values."""
        args = [one.filled() if isinstance(one, Blank) else one for one in self.args]
        return lambda: self.op(*args)


@dataclass(slots=True)
class Work:
    """Calls, FLOPs and bytes of a group."""

    calls: int = 0
    flops: int = 0
    bytes: int = 0


@dataclass(eq=False)
class Counter(TorchDispatchMode):
    """Records every op that runs inside the `with` block in `calls`."""

    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        name = func._schema.name.partition("::")[2]
        count = flop_registry.get(func.overloadpacket)
        flops = int(count(*args, **(kwargs or {}), out_val=out)) if count else 0
        moved = 0 if _moves_nothing(func, args, out) else _bytes([args, kwargs or {}, out])
        kept = tuple(Blank.of(one) if isinstance(one, Tensor) else one for one in args)
        self.calls.append(Call(name, flops, moved, func, kept if "convolution" in name else ()))
        return out

    def convolutions(self) -> Iterator[Call]:
        """The forward and backward convolutions, in the order in which they ran."""
        return (call for call in self.calls if "convolution" in call.name)

    def groups(self) -> dict[str, Work]:
        """The totals of each group."""
        sums: dict[str, Work] = {}
        for call in self.calls:
            work = sums.setdefault(call.group, Work())
            work.calls += 1
            work.flops += call.flops
            work.bytes += call.bytes
        return sums


def _moves_nothing(func: Any, args: tuple[Any, ...], out: Any) -> bool:
    """Whether the op only allocates memory, or returns a view."""
    if func._schema.is_mutable or "empty" in func._schema.name:
        return not func._schema.is_mutable
    given = next((one for one in args if isinstance(one, Tensor)), None)
    made = [one for one in tree_leaves(out) if isinstance(one, Tensor)]
    return given is not None and all(_place(one) == _place(given) for one in made)


def _place(x: Tensor) -> int:
    return x.untyped_storage().data_ptr()


def _bytes(values: Any) -> int:
    """Bytes of all tensors among the values; tensors written in place count as read and written."""
    return sum(
        one.numel() * one.element_size() for one in tree_leaves(values) if isinstance(one, Tensor)
    )

"""Data-parallel training: the processes that train one run together, and what they exchange.

A process that no launcher started is `ALONE`: it imports nothing more and exchanges nothing.
Otherwise processes communicate in two ways. The numbers of a step are summed by a collective, which
times out if a process is missing. Everything that may take long (embedding, sample grids,
checkpoints) is waited for through the launcher's key-value store, which has no such timeout.
"""

import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import torch
from torch import Tensor, nn

from ddpm_clip.errors import DataError, UsageError
from ddpm_clip.utils.cpu_threads import share_threads
from ddpm_clip.utils.device import pick_device

STEP_TIMEOUT = timedelta(minutes=30)
"""Time after which a collective fails because a process is missing."""

LONGEST_WAIT = 7 * 24 * 3600.0
"""Seconds after which a wait through the store fails: longer than any stage takes."""

ENGINES = {"FSDP": "FSDP", "DEEPSPEED": "DeepSpeed", "MEGATRON_LM": "Megatron-LM"}
"""Engines that accelerate can be configured for and that this training does not support."""


@dataclass(slots=True, eq=False)
class ProcessGroup:
    """The processes that train one run. `join` makes it; `ALONE` is the default.

    Attributes:
        rank: number of this process; 0 is the first, the only one that writes.
        size: number of processes.
    """

    rank: int = 0
    size: int = 1
    _accelerator: Any = None
    _store: Any = None
    _numbers: Iterator[int] = field(default_factory=count)

    def __str__(self) -> str:
        if self.size == 1:
            return "1 process"
        return f"{self.size} processes ({self._accelerator.state.backend})"

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and prints."""
        return self.rank == 0

    def device(self, alone: torch.device) -> torch.device:
        """Return this process's device: its own GPU, or `alone` if it is the only process."""
        return alone if self.size == 1 else self._accelerator.device

    # Within a step

    def part(self, n: int) -> slice:
        """Return this process's slice of `n` rows; the slices cover them in order, evenly."""
        return slice(self.rank * n // self.size, (self.rank + 1) * n // self.size)

    def check_batch(self, pictures: int) -> None:
        """Check that a step of so many pictures has at least one for every process.

        Raises:
            UsageError: it has fewer.
        """
        if self.size > pictures:
            raise UsageError(
                f"{self.size} processes have only {pictures} pictures per step",
                "training.batch_size counts the pictures of all processes together",
                f"--set training.batch_size={8 * self.size}, or fewer processes",
                param="training.batch_size",
            )

    def wrap(self, model: nn.Module) -> nn.Module:
        """Wrap the network so that its backward pass averages gradients over the processes."""
        return model if self.size == 1 else self._accelerator.prepare_model(model)

    def own_gradients(self, wrapped: nn.Module) -> AbstractContextManager[None]:
        """Accumulate gradients locally, without averaging: for all micro-batches but the last."""
        return nullcontext() if self.size == 1 else self._accelerator.no_sync(wrapped)

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum over the processes, bit-identical in all of them, on the CPU."""
        if self.size == 1:
            return values
        total = values.detach().to(self._accelerator.device, copy=True)
        torch.distributed.all_reduce(total)
        return total.cpu()

    def agreed(self, asked: int | None) -> int | None:
        """Return the signal that asked any process to stop, the largest if there are several.

        Every process calls this after the same step, so all stop after the same step.
        """
        if self.size == 1:
            return asked
        signal = torch.tensor(asked or 0, device=self._accelerator.device)
        torch.distributed.all_reduce(signal, op=torch.distributed.ReduceOp.MAX)
        return int(signal.item()) or None

    # Long stages

    @contextmanager
    def leading(self, what: str) -> Iterator[None]:
        """Wrap the first process's work on `what`: tells the others when it is done or failed."""
        place = self._place(what)
        try:
            yield
        except BaseException as error:
            self._tell(place, getattr(error, "exit_code", 70))
            raise
        self._tell(place, 0)

    def wait(self, what: str) -> int:
        """Wait until the first process is done with `what`; return 0, or its exit code."""
        if self._store is None:
            return 0
        return int(self._hear(self._place(what)))

    def meet(self) -> None:
        """Wait until every process is here, however long that takes."""
        if self._store is not None:
            place = self._place("meeting")
            self._store.add(place, 1)
            self._until(lambda: self._store.add(place, 0) >= self.size, place)

    def check_same(self, what: str, value: str) -> None:
        """Check that `value` is the same as in the first process.

        Raises:
            DataError: it differs: the processes would train on different data.
        """
        if self._store is None:
            return
        place = self._place(what)
        if self.is_first:
            self._store.set(place, value)
        first = self._hear(place)
        if first != value:
            raise DataError(
                f"process {self.rank} does not have the same {what} as the first process",
                f"{value} differs from {first}",
                "give every machine the same pictures, and the run folder on a shared disk",
            )

    def close(self) -> None:
        """Leave the group; does nothing for a single process."""
        if self._store is not None:
            self._store = None
            torch.distributed.destroy_process_group()

    def _place(self, what: str) -> str:
        """Return a unique key in the store; every process makes the same keys in the same order."""
        return f"{what} {next(self._numbers)}"

    def _tell(self, place: str, code: int) -> None:
        if self._store is not None:
            self._store.set(place, str(code))

    def _hear(self, place: str) -> str:
        self._until(lambda: self._store.check([place]), place)
        value: bytes = self._store.get(place)
        return value.decode()

    def _until(self, found: Callable[[], bool], what: str) -> None:
        """Poll, so that signals are handled and no collective times out."""
        end, pause = time.monotonic() + LONGEST_WAIT, 0.002
        while not found():
            if time.monotonic() > end:
                raise TimeoutError(f"waited {LONGEST_WAIT / 3600:.0f} hours for {what}")
            time.sleep(pause)
            pause = min(0.5, 1.5 * pause)


ALONE = ProcessGroup()
"""The one process of a training that no launcher started."""


def launched(environment: Mapping[str, str] = os.environ) -> tuple[int, int]:
    """Return (rank, size) set by `torchrun` or `accelerate launch`, (0, 1) without a launcher.

    Raises:
        UsageError: there are several processes, but the rank of this one is not set.
    """
    size = int(environment.get("WORLD_SIZE") or 1)
    if size == 1:
        if "ACCELERATE_MIXED_PRECISION" in environment and "MASTER_ADDR" in environment:
            warnings.warn(
                "accelerate launch was asked for several processes but started one;\n"
                "  on CPUs it needs --multi_gpu, despite the name; or use torchrun",
                stacklevel=1,
            )
        return 0, 1
    missing = [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if name not in environment]
    if missing:
        raise UsageError(
            f"WORLD_SIZE is {size}, but {missing[0]} is not set",
            "without it this process knows neither its rank nor where the others are",
            "start it with torchrun, or unset WORLD_SIZE",
            param="WORLD_SIZE",
        )
    return int(environment["RANK"]), size


def join(device: str = "auto") -> ProcessGroup:
    """Connect to the other processes of this launch; returns `ALONE` if there are none.

    Args:
        device: as in `training.device`; each process on a machine gets its own GPU.

    Raises:
        UsageError: the device cannot be used by several processes, or accelerate is configured
            for an engine that is not supported.
    """
    rank, size = launched()
    if size == 1:
        return ALONE
    for name, spelt in ENGINES.items():
        if os.environ.get(f"ACCELERATE_USE_{name}", "false").lower() == "true":
            raise UsageError(
                f"training with {spelt} is not supported",
                "every process keeps the whole network, 20 bytes per parameter",
                "choose plain data parallelism in `accelerate config`, or torchrun",
            )
    kind = pick_device(device).type
    if kind not in ("cpu", "cuda"):
        raise UsageError(
            f"{size} processes cannot train on {kind}",
            fix="--set training.device=cpu",
            param="training.device",
        )
    return _connected(rank, size, kind)


def _connected(rank: int, size: int, kind: str) -> ProcessGroup:
    from accelerate import Accelerator
    from accelerate.utils import InitProcessGroupKwargs

    os.environ.setdefault("LOCAL_RANK", str(rank))
    on_this_machine = int(os.environ.setdefault("LOCAL_WORLD_SIZE", str(size)))
    if kind == "cpu":
        share_threads(on_this_machine)
    accelerator = Accelerator(
        cpu=kind == "cpu",
        mixed_precision="no",  # handled by `training.dtype`
        kwargs_handlers=[InitProcessGroupKwargs(timeout=STEP_TIMEOUT)],
    )
    if accelerator.num_processes != size:
        raise UsageError(f"only {accelerator.num_processes} of {size} processes are connected")
    return ProcessGroup(
        rank, size, accelerator, torch.distributed.distributed_c10d._get_default_store()
    )

"""The processes that train one run together: how many, which one this is, what they exchange.

A process that no launcher started is `ALONE`: it imports nothing more and exchanges nothing.
Else there are two ways. Numbers of a step are summed by a collective, which times out where one
process is missing. Everything that may take long (embedding, sample grids, checkpoints) is waited
for through the store of the launcher, which has time. Knows nothing of networks, runs or data.
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
from ddpm_clip.utils.device import pick_device

STEP_TIMEOUT = timedelta(minutes=30)
"""After which a collective gives a process up."""

PATIENCE = 7 * 24 * 3600.0
"""Seconds after which even a long wait ends: longer than any stage before the training."""

ENGINES = {"FSDP": "FSDP", "DEEPSPEED": "DeepSpeed", "MEGATRON_LM": "Megatron-LM"}
"""What accelerate can be configured for and this training is not made for."""


@dataclass(slots=True, eq=False)
class ProcessGroup:
    """This process among those that train one run. Make it with `join`; `ALONE` is the default.

    Attributes:
        rank: 0 is the first process, the only one that writes.
        size: how many there are.
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
        """Whether this process writes, draws and speaks."""
        return self.rank == 0

    def device(self, alone: torch.device) -> torch.device:
        """Where this process computes: its own GPU, or `alone` where nothing is shared."""
        return alone if self.size == 1 else self._accelerator.device

    # Numbers of a step

    def part(self, n: int) -> slice:
        """This process's rows of `n`: in order, none twice, sizes that differ by one at most."""
        return slice(self.rank * n // self.size, (self.rank + 1) * n // self.size)

    def check_batch(self, pictures: int) -> None:
        """See to it that a step of so many pictures has one for every process.

        Raises:
            UsageError: it has not.
        """
        if self.size > pictures:
            raise UsageError(
                f"{self.size} processes have {pictures} pictures a step",
                "training.batch_size counts those of all processes together",
                f"--set training.batch_size={8 * self.size}, or fewer processes",
                param="training.batch_size",
            )

    def wrap(self, model: nn.Module) -> nn.Module:
        """The network whose backward pass averages gradients over the processes."""
        return model if self.size == 1 else self._accelerator.prepare_model(model)

    def own_gradients(self, wrapped: nn.Module) -> AbstractContextManager[None]:
        """Within it gradients are only gathered here: for all micro-batches but the last."""
        return nullcontext() if self.size == 1 else self._accelerator.no_sync(wrapped)

    def sum(self, values: Tensor) -> Tensor:
        """The sum over the processes, the same bits in each; on the CPU."""
        if self.size == 1:
            return values
        there = values.detach().to(self._accelerator.device, copy=True)
        torch.distributed.all_reduce(there)
        return there.cpu()

    def agreed(self, asked: int | None) -> int | None:
        """The signal that asked any process to leave, the largest where there were several.

        Every process calls it after the same step, and all leave after the same step.
        """
        if self.size == 1:
            return asked
        told = torch.tensor(asked or 0, device=self._accelerator.device)
        torch.distributed.all_reduce(told, op=torch.distributed.ReduceOp.MAX)
        return int(told.item()) or None

    # What may take long

    @contextmanager
    def leading(self, what: str) -> Iterator[None]:
        """Around the first process's work on `what`: the others hear that it is done or failed."""
        place = self._place(what)
        try:
            yield
        except BaseException as error:
            self._tell(place, getattr(error, "exit_code", 70))
            raise
        self._tell(place, 0)

    def wait(self, what: str) -> int:
        """Wait until the first is done with `what`; the exit code that it left with, or 0."""
        if self._store is None:
            return 0
        return int(self._hear(self._place(what)))

    def meet(self) -> None:
        """Wait for every process, however long one of them needs."""
        if self._store is not None:
            place = self._place("meeting")
            self._store.add(place, 1)
            self._until(lambda: self._store.add(place, 0) >= self.size, place)

    def check_same(self, what: str, value: str) -> None:
        """See to it that `value` is what the first process has.

        Raises:
            DataError: it is not: the processes would train on different things.
        """
        if self._store is None:
            return
        place = self._place(what)
        if self.is_first:
            self._store.set(place, value)
        first = self._hear(place)
        if first != value:
            raise DataError(
                f"process {self.rank} does not have the {what} of the first one",
                f"{value} is not {first}",
                "give every machine the same pictures, and the run folder on a shared disk",
            )

    def close(self) -> None:
        """Leave the group; harmless where there is none."""
        if self._store is not None:
            self._store = None
            torch.distributed.destroy_process_group()

    def _place(self, what: str) -> str:
        """A name in the store that is used once: every process comes by the same ones in order."""
        return f"{what} {next(self._numbers)}"

    def _tell(self, place: str, code: int) -> None:
        if self._store is not None:
            self._store.set(place, str(code))

    def _hear(self, place: str) -> str:
        self._until(lambda: self._store.check([place]), place)
        told: bytes = self._store.get(place)
        return told.decode()

    def _until(self, found: Callable[[], bool], what: str) -> None:
        """Ask now and then, so that signals are heard and no collective runs out of time."""
        end, pause = time.monotonic() + PATIENCE, 0.002
        while not found():
            if time.monotonic() > end:
                raise TimeoutError(f"waited for {PATIENCE / 3600:.0f} hours for {what}")
            time.sleep(pause)
            pause = min(0.5, 1.5 * pause)


ALONE = ProcessGroup()
"""The one process of a training that no launcher started."""


def launched(environment: Mapping[str, str] = os.environ) -> tuple[int, int]:
    """(rank, size) that `torchrun` or `accelerate launch` gave this process; (0, 1) without one.

    Raises:
        UsageError: there are several processes, and nothing says which one this is.
    """
    size = int(environment.get("WORLD_SIZE") or 1)
    if size == 1:
        if "ACCELERATE_MIXED_PRECISION" in environment and "MASTER_ADDR" in environment:
            warnings.warn(
                "accelerate launch was asked for several processes and started one;\n"
                "  on CPUs it needs --multi_gpu in spite of the name, or take torchrun",
                stacklevel=1,
            )
        return 0, 1
    missing = [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if name not in environment]
    if missing:
        raise UsageError(
            f"WORLD_SIZE is {size}, and {missing[0]} is not set",
            "so this process does not know which one it is, or where the others are",
            "start it with torchrun, or unset WORLD_SIZE",
            param="WORLD_SIZE",
        )
    return int(environment["RANK"]), size


def join(device: str = "auto") -> ProcessGroup:
    """Meet the other processes of this launch; `ALONE` where there are none.

    Args:
        device: as in `training.device`; each process of a machine takes a GPU of its own.

    Raises:
        UsageError: a device that cannot be shared out, or an engine that this training has not.
    """
    rank, size = launched()
    if size == 1:
        return ALONE
    for name, spelt in ENGINES.items():
        if os.environ.get(f"ACCELERATE_USE_{name}", "false").lower() == "true":
            raise UsageError(
                f"this training does not go through {spelt}",
                "every process keeps the whole network, 20 bytes a parameter",
                "choose plain data parallelism in `accelerate config`, or torchrun",
            )
    kind = pick_device(device).type
    if kind not in ("cpu", "cuda"):
        raise UsageError(
            f"{size} processes cannot share {kind}",
            fix="--set training.device=cpu",
            param="training.device",
        )
    return _connected(rank, size, kind)


def _connected(rank: int, size: int, kind: str) -> ProcessGroup:
    from accelerate import Accelerator
    from accelerate.utils import InitProcessGroupKwargs

    os.environ.setdefault("LOCAL_RANK", str(rank))
    os.environ.setdefault("LOCAL_WORLD_SIZE", str(size))
    accelerator = Accelerator(
        cpu=kind == "cpu",
        mixed_precision="no",  # `training.dtype` says it
        kwargs_handlers=[InitProcessGroupKwargs(timeout=STEP_TIMEOUT)],
    )
    if accelerator.num_processes != size:
        raise UsageError(f"{accelerator.num_processes} of {size} processes were connected")
    return ProcessGroup(
        rank, size, accelerator, torch.distributed.distributed_c10d._get_default_store()
    )

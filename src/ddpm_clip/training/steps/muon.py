"""The Muon optimiser: orthogonalised steps for matrices, AdamW for all other parameters.

The gradient of a matrix is dominated by a few directions; once orthogonalised, every direction of
the layer learns at the same pace, and a short run needs about half the steps. Jordan et al. 2024,
"Muon: an optimizer for hidden layers in neural networks", scaled as in Liu et al. 2025 ("Muon is
scalable for LLM training", eq. 4), so that the learning rate and weight decay of AdamW suit both.

Parameters with two or more dimensions count as matrices (one row per output channel of a
convolution).
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw

QUINTIC = (3.4445, -4.7750, 2.0315)
"""a, b, c of X <- aX + b(XX')X + c(XX')^2 X, which drives all singular values to about 1."""


def orthogonal(matrices: Sequence[Tensor], steps: int = 5) -> list[Tensor]:
    """Return the nearest (semi-)orthogonal matrices, singular values within 0.7 … 1.2.

    Newton-Schulz iteration. Every iterate is X times a polynomial in A = XX', and such polynomials
    commute: so only the small square matrices are iterated, all of one size at once, and each wide
    matrix is multiplied only twice.
    """
    wide = [_wide(x) / (x.norm() + 1e-7) for x in matrices]
    by_rows: dict[int, list[int]] = {}
    for i, x in enumerate(wide):
        by_rows.setdefault(len(x), []).append(i)
    found = list(matrices)
    for same in by_rows.values():
        factors = _factors(torch.stack([wide[i] @ wide[i].T for i in same]), steps)
        for i, factor in zip(same, factors, strict=True):
            step = factor @ wide[i]
            found[i] = step.T if _is_tall(matrices[i]) else step
    return found


def _factors(A: Tensor, steps: int) -> Tensor:
    """Return the factors (n, rows, rows) that the matrices X with A = XX' are multiplied by."""
    a, b, c = QUINTIC
    one = torch.eye(A.shape[-1], device=A.device, dtype=A.dtype)
    whole = part = torch.baddbmm(a * one + b * A, A, A, alpha=c)
    for _ in range(steps - 1):
        A = part @ A @ part  # XX' of the current iterate
        part = torch.baddbmm(a * one + b * A, A, A, alpha=c)
        whole = part @ whole
    return whole


def _is_tall(x: Tensor) -> bool:
    return x.shape[0] > x.shape[1]


def _wide(x: Tensor) -> Tensor:
    return x.T if _is_tall(x) else x


class Muon(torch.optim.Optimizer):
    """Muon for matrices and AdamW for the rest, in one optimiser.

    Args:
        params: parameters or parameter groups.
        lr: learning rate of AdamW; the step of a matrix has RMS 0.2 lr whatever its shape.
        momentum: Nesterov momentum of the matrices.
        betas: AdamW's betas, for the other parameters.
        weight_decay: decoupled weight decay of both.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ):
        super().__init__(
            params, {"lr": lr, "momentum": momentum, "betas": betas, "weight_decay": weight_decay}
        )

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take one step; parameters without a gradient are skipped."""
        for group in self.param_groups:
            own = [p for p in group["params"] if p.grad is not None]
            self._matrices([p for p in own if p.ndim >= 2], group)
            self._rest([p for p in own if p.ndim < 2], group)

    def _matrices(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        """Take an orthogonalised step for each matrix."""
        steps = orthogonal([self._nesterov(p, group).flatten(1) for p in parameters])
        for p, step in zip(parameters, steps, strict=True):
            size = 0.2 * max(step.shape) ** 0.5 * group["lr"]
            p.mul_(1 - group["lr"] * group["weight_decay"])
            p.add_(step.reshape(p.shape), alpha=-size)

    def _nesterov(self, p: Tensor, group: dict[str, Any]) -> Tensor:
        """Return the gradient with Nesterov momentum."""
        gradient, state = _gradient(p), self.state[p]
        if not state:
            state["momentum"] = torch.zeros_like(p)
        state["momentum"].lerp_(gradient, 1 - group["momentum"])
        return gradient.lerp(state["momentum"], group["momentum"])

    def _rest(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        """Take AdamW's step for biases, norms and the null condition."""
        if not parameters:
            return
        for p in parameters:
            if not self.state[p]:
                self.state[p] |= {
                    "step": torch.zeros(()),
                    "exp_avg": torch.zeros_like(p),
                    "exp_avg_sq": torch.zeros_like(p),
                }
        states = [self.state[p] for p in parameters]
        adamw(
            parameters,
            [_gradient(p) for p in parameters],
            [s["exp_avg"] for s in states],
            [s["exp_avg_sq"] for s in states],
            [],
            [s["step"] for s in states],
            foreach=True,
            amsgrad=False,
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=1e-8,
            maximize=False,
        )


def _gradient(p: Tensor) -> Tensor:
    assert p.grad is not None
    return p.grad

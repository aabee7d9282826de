"""Few-call models as targets: what analyses need that such a network does not have."""

from ddpm_clip.diffusion.guidance import Network
from ddpm_clip.errors import UsageError
from ddpm_clip.types import Denoiser

OF_PICTURES = ("words", "provenance")
"""Analyses that paint and compare; the others follow many steps, take guidance apart, or compare
with walks that add noise at every step."""


def check_few_call(name: str, calls: int, analysis: str) -> None:
    """Check that a model can be analysed this way.

    Args:
        name: of the model.
        calls: its network calls a picture; 0 for any number.
        analysis: a name in `EXPLANATIONS`.

    Raises:
        UsageError: it is a few-call model, and the analysis needs a walk of many steps.
    """
    if calls and analysis not in OF_PICTURES:
        raise UsageError(
            f"{analysis} cannot be made of {name}",
            f"it paints in {calls} network call{'s' if calls > 1 else ''}, and its guidance was "
            "built in; there are neither many steps nor two branches to follow",
            f"explain the model that it was distilled from; of this one: {', '.join(OF_PICTURES)}",
            param="analyses",
        )


def no_branches(name: str) -> UsageError:
    """Return the error for a network whose guidance cannot be taken apart."""
    return UsageError(
        f"{name} has no two branches to compare",
        "guidance was built into its network when it was distilled",
        "explain the model that it was distilled from",
        param="model",
    )


def with_gradients(model: Denoiser) -> Network:
    """Run a network with gradients; the counterpart of `without_gradients`."""
    return lambda x_t, t, c, c_mask: model(x_t, t, c, c_mask).float()

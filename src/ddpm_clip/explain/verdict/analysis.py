"""Turn the generator of an analysis into a plain function of a model and a prompt."""

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from ddpm_clip.explain.target.few_call import check_few_call
from ddpm_clip.explain.target.from_model import SEEDS, Model, target_of
from ddpm_clip.explain.verdict.result import Explanation
from ddpm_clip.types import Progress
from ddpm_clip.utils.generators import finish

Explain = Callable[..., Generator[Progress, None, Explanation]]
"""`explain(target, *, quick=False, ...)`: one analysis, which yields its progress."""


def plainly(explain: Explain) -> Callable[..., Explanation]:
    """Return the analysis as a function: `f(model, prompt, quick=False, seeds=16, **options)`.

    `model` is anything that `target_of` accepts; `settings` is a dict of sampling overrides. All
    other options go to the analysis.
    """

    def analysis(
        model: Model,
        prompt: str | None = None,
        *,
        seeds: int | Sequence[int] = SEEDS,
        settings: Mapping[str, Any] | None = None,
        attribute: str | None = None,
        **options: Any,
    ) -> Explanation:
        target = target_of(model, prompt, seeds, attribute=attribute, **(settings or {}))
        own = explain.__module__.rpartition(".")[2]
        check_few_call(target.name, len(target.ddpm.calls), own)
        return finish(explain(target, **options))

    analysis.__doc__, analysis.__module__ = explain.__doc__, explain.__module__
    return analysis

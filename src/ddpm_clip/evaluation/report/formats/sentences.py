"""The sentences that all formats of the report share: model, settings, sizes and seeds."""

from ddpm_clip.evaluation.report.evaluate import Evaluation
from ddpm_clip.evaluation.report.plan import SamplingPlan

INTERVALS = (
    "Each picture has its own seed, so given the prompts all pictures are independent, and the "
    "interval of a share is Wilson's 95 % interval. The line \"success, interval over other "
    'prompts of this kind" resamples whole prompts instead, because the pictures of one prompt '
    "succeed and fail together."
)
UNCURATED = (
    "The first seeds of each prompt, not selected. A mark says that the judge reads something else "
    "(✗), or rejects the picture as unlike anything it knows (?)."
)
READ_REAL = (
    'The column "real" is the same figure for real pictures, at the same n wherever n matters.'
)


def facts_of_report(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Return what a reader must know before any figure, as pairs of name and value."""
    model, plan, made = evaluation.model, evaluation.plan, evaluation.made
    n = plan.n * len(plan.cases)
    last = (evaluation.first_seed + n - 1) % 2**32
    step = f", step {model['step']}" if model.get("step") is not None else ""
    rows = [
        ("model", f"{model['name']}{step} (weights {model['fingerprint']})"),
        ("painted", f"n = {n}: {plan.n} for each of {len(plan.cases)} prompts{_chosen(plan)}"),
        ("seeds", f"{evaluation.first_seed} to {last}, one per picture"),
        (
            "how",
            f"{model['sampler']}, {model['steps']} steps, guidance {model['guidance']:g}, "
            f"bridge {model['bridge']}",
        ),
        (
            "real pictures",
            f"{model['source'] or 'none'}"
            + ("" if model["source_is_here"] else ", which are not on this machine"),
        ),
        ("code", f"ddpm_clip {made['ddpm_clip']}, commit {made['commit'] or 'unknown'}"),
        (
            "made",
            f"{made['date']}, torch {made['torch']}, {evaluation.seconds:.0f} s on "
            f"{made['threads']} thread(s)",
        ),
    ]
    if plan.left_out:
        rows.insert(2, ("left out", f"{plan.left_out} prompts, because the time was too short"))
    return rows


def _chosen(plan: SamplingPlan) -> str:
    """Say how the number of pictures was chosen, if the user did not give it."""
    if plan.minutes is None:
        return ""
    repeat = "" if plan.left_out else f"; -n {plan.n} repeats them"
    return f" (as many as fit into {plan.minutes:g} minutes{repeat})"

"""The panels of the guidance field, and how to read them."""

import torch

from ddpm_clip.explain.guidance.class_directions import best_other
from ddpm_clip.explain.guidance.field import CASES, Field, FieldFindings
from ddpm_clip.explain.panels.kinds import Bars, Curve, Heatmap, Panel, Strip, mean_bars, mean_line
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.recorder import Recording
from ddpm_clip.utils.plots.curves import Line


def caption_of(share: float) -> str:
    """Return the caption: how to read the panels."""
    return (
        "At every step the network predicts the finished picture twice, with words and without. "
        "The difference of the two is the guidance field, along which guidance pushes the picture. "
        "The strip shows both predictions, the guided one and the field (grey is no change). The "
        "field is largest while noise hides everything and fades once the picture is settled; "
        "random weights give such a curve as well, so its size is no evidence. The cosine shows "
        "whether the field points from the mean picture to the mean of the requested class, as the "
        "judge classifies pictures painted without words. The bars compare the judge's log-odds "
        f"with the whole field, with its strongest {share:.0%} of pixels switched off, and with as "
        "many pixels of the same shape switched off elsewhere."
    )


def panels_of(
    target: AnalysisTarget,
    recording: Recording,
    field: Field,
    findings: FieldFindings | None,
    share: float,
) -> tuple[Panel, ...]:
    """Return the panels: predictions, size, direction, log-odds, place and frequencies."""
    panels: list[Panel] = [_strip(recording, field), _sizes(field)]
    if findings is not None:
        panels += [_directions(target, field, findings), _odds(findings, share)]
    some = range(0, len(field.ratio), 2)
    panels += [
        Heatmap(
            "Where in the picture the field acts",
            field.delta.abs().mean((0, 1, 2)),
            label="mean |field| of a pixel",
            numbers=False,
        ),
        Heatmap(
            "Frequencies of the field, step by step",
            field.spectrum[list(some)],
            [f"{field.ratio[i]:.2g}" for i in some],
            [str(f) for f in range(1, 1 + field.spectrum.shape[1])],
            "share of the mean power",
            "waves across the picture",
            "sigma/alpha",
            numbers=False,
        ),
    ]
    return tuple(panels)


def _strip(recording: Recording, field: Field) -> Strip:
    """Show the first seed at up to eight steps."""
    s = len(field.ratio)
    at = sorted({round(i) for i in torch.linspace(0, s - 1, min(8, s)).tolist()})
    delta = field.delta[at, 0]
    delta = delta / delta.abs().amax().clamp(min=1e-6)
    images = (recording.x_0_uncond[at, 0], recording.x_0_cond[at, 0], recording.x_0[at, 0], delta)
    return Strip(
        "Predictions of the first picture, and the field",
        torch.stack(images).clamp(-1, 1),
        ("without words", "with words", "guided", "the field"),
        [f"{field.ratio[i]:.2g}" for i in at],
        "Above each column: noise level, sigma/alpha, from noise to picture.",
    )


def _sizes(field: Field) -> Curve:
    line = mean_line("field", field.ratio, field.rms.T)
    return Curve(
        "Size of the field", [line], "sigma/alpha", "rms per pixel", xscale="log", reverse=True
    )


def _directions(target: AnalysisTarget, field: Field, findings: FieldFindings) -> Curve:
    asked_class = target.asked_class
    assert asked_class is not None
    best = best_other(findings.cosines.mean(1), asked_class)
    wanted = str(target.asked_name)
    lines = [
        mean_line(wanted, field.ratio, findings.cosines[:, :, asked_class].T),
        Line("best other class", field.ratio, best.tolist()),
    ]
    return Curve(
        f"Does the field point to {wanted}?",
        lines,
        "sigma/alpha",
        "cosine",
        xscale="log",
        reverse=True,
    )


def _odds(findings: FieldFindings, share: float) -> Bars:
    return mean_bars(
        f"Log-odds with {share:.0%} of the field's pixels switched off",
        CASES,
        list(findings.odds),
        "log-odds of the requested class",
    )

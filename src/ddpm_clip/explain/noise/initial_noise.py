"""The analysis of the initial noise: what the seed decides, and what the prompt.

The noise is examined in four ways: the variance of pictures over seeds and prompts, a linear probe
from the noise to the class that is painted without words, combining the frequencies of two seeds'
noise, and replacing the noise block by block. Test: the probe explains more than on walks that add
fresh noise at every step. Those forget where they began, so a probe that does as well there reads
something else than the noise.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from ddpm_clip.explain.noise.noise_blocks import GRID, Blocks, exchange_blocks
from ddpm_clip.explain.noise.noise_layout import Layout, layout
from ddpm_clip.explain.noise.noise_probe import Probed, probe
from ddpm_clip.explain.noise.noise_trades import CombinedNoise, combine_noise
from ddpm_clip.explain.panels.kinds import Bars, Curve, Heatmap, Panel, Strip, Table, mean_line
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.verdict.analysis import plainly
from ddpm_clip.explain.verdict.prerequisite import Prerequisite, check_prerequisite
from ddpm_clip.explain.verdict.result import Explanation, Verdict
from ddpm_clip.explain.verdict.verdicts import not_counted, weigh
from ddpm_clip.models.ddpm import noise_of
from ddpm_clip.statistics.means import Means, means
from ddpm_clip.types import Progress

SURE = 0.05
"""Significance level."""

DETERMINISTIC, FORGETFUL = "dpmpp_2m", "dpmpp_2m_sde"
"""Samplers that add no noise, and noise at every step."""

JUDGE = "what the judge says"
"""Key of the judge's probabilities in the layouts and in `report.json`."""

TITLE = "What the seed decides"


@dataclass(frozen=True, slots=True, eq=False)
class NoiseEffect:
    """Results of all four ways.

    Attributes:
        prerequisite: whether the prompt is followed at all.
        layouts: seeds by prompts, one per guidance scale; the target's own scale is the first.
        kept: the probe on walks that add no noise.
        forgotten: the probe on walks that start from the same noise and add noise at every step.
        trades: pictures from noise whose frequencies come from two seeds.
        blocks: pictures from noise with one block replaced.
    """

    prerequisite: Prerequisite
    layouts: list[Layout]
    kept: Probed
    forgotten: Probed
    trades: CombinedNoise
    blocks: Blocks

    @property
    def beyond(self) -> Means:
        """R^2 of the probe on walks that add no noise, minus that on walks that do."""
        return means(self.kept.gains - self.forgotten.gains)


def explain(
    target: AnalysisTarget, *, quick: bool = False
) -> Generator[Progress, None, Explanation]:
    """Measure what the initial noise decides, and what the prompt.

    Args:
        target: the model and the prompt.
        quick: take fewer seeds, prompts, steps and pictures.
    """
    if target.judging is None or len(target.classes) < 2:
        return _untested(target)
    own, steps = target.guidance, min(6 if quick else 12, target.settings.steps)
    scales = [own] if quick else [own, *(s for s in (1.0, 2 * own) if s != own)]
    seeds, layouts = target.more_seeds(6 if quick else 12), []
    for scale in scales:
        one = yield from layout(target, seeds, 5 if quick else 10, steps, scale, 199)
        layouts.append(one)
    n, draws = (256, 39) if quick else (640, 99)
    kept = yield from _probed(target, n, steps, DETERMINISTIC, draws)
    forgotten = yield from _probed(target, n, steps, FORGETFUL, draws)
    cuts = [1.0, 2.0, 4.0, 8.0] if quick else [0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0]
    trades = yield from combine_noise(target, 4 if quick else 16, cuts, steps, DETERMINISTIC)
    blocks = yield from exchange_blocks(target, 4 if quick else 16, steps, DETERMINISTIC)
    probs = target.judge(layouts[0].x[:, 0].to(target.ddpm.device)).cpu()
    prerequisite = yield from check_prerequisite(target, probs)
    found = NoiseEffect(prerequisite, layouts, kept, forgotten, trades, blocks)
    return Explanation(
        "initial_noise",
        TITLE,
        CAPTION,
        _panels(found),
        _test(found),
        verdict_of(found),
        _numbers(found),
    )


initial_noise = plainly(explain)


def _probed(
    target: AnalysisTarget, n: int, steps: int, sampler: str, draws: int
) -> Generator[Progress, None, Probed]:
    """Paint n pictures without words, and predict the judge's probabilities from their noise."""
    seeds = target.more_seeds(n, start=len(target.seeds))
    c = target.conditions(seeds=seeds)
    x = yield from target.pictures(
        c, seeds, scale=0.0, steps=steps, sampler=sampler, stage="pictures without words"
    )
    probs = target.judge(x).cpu()
    noise = noise_of(seeds, (n, *target.image_shape), "cpu")(-1)
    return probe(noise, probs, draws)


def verdict_of(found: NoiseEffect) -> Verdict:
    """Return pass if prompts have an effect and the noise predicts pictures without words."""
    words = found.layouts[0].shares[JUDGE].p_prompt <= SURE
    return weigh(found.prerequisite, [found.beyond], shown=words and found.kept.p <= SURE)


def _test(found: NoiseEffect) -> str:
    kept, forgotten = found.kept, found.forgotten
    p_prompt = found.layouts[0].shares[JUDGE].p_prompt
    return (
        "A linear probe on the noise has to explain more of the judge's probabilities than on "
        "shuffled pictures, and more than on walks that add fresh noise at every step. The prompt "
        f"has to change what the judge sees (p = {p_prompt:.2g}). For {len(kept.gains)} pictures "
        f"painted without words the probe explains {kept.r2:.1%} of the variance (p = "
        f"{kept.p:.2g}), and {forgotten.r2:.1%} where noise is added at every step (p = "
        f"{forgotten.p:.2g}). The difference of the two shares is {found.beyond}."
        f"{not_counted(found.prerequisite)}"
    )


CAPTION = (
    "Every walk starts from noise, and pictures of one prompt differ only by the seed of this "
    "noise. The sheet has a row per seed and a column per prompt. The table splits the variance of "
    "all pictures into the parts of the seed, of the prompt, and of their interaction. Without "
    "words the noise alone decides the class: the bars show how much of the variance (R²) of the "
    "judge's probabilities a linear probe predicts from the coarse noise, where the noise is kept, "
    "where fresh noise is added, and on shuffled pictures. For the curve, the noise of two seeds "
    "is combined: one seed gives it up to a cut-off frequency, the other above it. Where the curve "
    "crosses one half, both seeds have the same influence on the picture. For the last panels, one "
    "block of a seed's noise is replaced by another seed's: the map shows which blocks change the "
    "picture most, and its note how much of the change stays in the replaced block."
)

LABELS = {JUDGE: "judge's probabilities"}
"""How keys of the layouts are shown, if otherwise."""


def _numbers(found: NoiseEffect) -> dict[str, Any]:
    trades, blocks = found.trades, found.blocks
    return {
        "n": len(found.kept.gains),
        "gate": found.prerequisite.as_dict(),
        "layouts": [
            {
                "scale": one.scale,
                "prompts": one.prompts,
                "followed": one.followed.as_dict(),
                "variance": {name: share.as_dict() for name, share in one.shares.items()},
            }
            for one in found.layouts
        ],
        "probe": found.kept.as_dict(),
        "probe_where_noise_is_added": found.forgotten.as_dict(),
        "foretold_beyond": found.beyond.as_dict(),
        "trades": {
            "pairs": trades.share.shape[1],
            "cuts": trades.cuts,
            "share_of_low": means(trades.share.T).as_dict(),
            "half": trades.half,
        },
        "blocks": {
            "pairs": len(blocks.stays),
            "a_side": GRID,
            "moves": blocks.moves,
            "stays": means(blocks.stays).as_dict(),
            "stays_by_chance": means(blocks.by_chance).as_dict(),
        },
    }


def _panels(found: NoiseEffect) -> tuple[Panel, ...]:
    own = found.layouts[0]
    rows: list[list[str | float | int]] = [
        [
            f"{one.scale:g}",
            LABELS.get(name, name),
            *(
                round(value, 4)
                for value in (share.seed, share.prompt, share.interaction, share.p_prompt)
            ),
        ]
        for one in found.layouts
        for name, share in one.shares.items()
    ]
    chance = own.shares["pixels"].chance
    names = [prompt if len(prompt) < 12 else prompt.split()[-1] for prompt in own.prompts]
    return (
        Strip(
            "The same seeds with different prompts",
            own.x[:4],
            ("seed 1", "seed 2", "seed 3", "seed 4")[: len(own.x)],
            names,
        ),
        Table(
            "Where the variance comes from",
            ("guidance", "variance of", "seed", "prompt", "interaction", "p of prompt"),
            rows,
            f"Expected if neither mattered: seed {chance[0]:.2f}, prompt {chance[1]:.2f}.",
        ),
        _bars(found),
        _curve(found.trades),
        Strip(
            "Pictures from the combined noise of two seeds",
            found.trades.x[None],
            (),
            ["seed 2", *(f"{cut:g}" for cut in found.trades.cuts[1:-1]), "seed 1"],
            "Above each column: frequency up to which the noise is that of seed 1.",
        ),
        _moved(found.blocks),
        Strip(
            "Pictures with one block of the noise replaced",
            found.blocks.x[None],
            (),
            ["none", *(f"{i // GRID + 1}, {i % GRID + 1}" for i in range(GRID**2)), "all"],
            "Above each column: row and column of the block that another seed's noise replaces.",
        ),
    )


def _bars(found: NoiseEffect) -> Bars:
    kept, forgotten = means(found.kept.gains), means(found.forgotten.gains)
    chance = means(found.kept.chance)  # over probes, so their spread is that of a single probe
    spread = 1.96 * float(found.kept.chance.std())
    low = [float(kept.low), float(forgotten.low), float(chance.mean) - spread]
    high = [float(kept.high), float(forgotten.high), float(chance.mean) + spread]
    return Bars(
        "How much a linear probe predicts from the noise",
        ("noise kept", "fresh noise added", "pictures shuffled"),
        [float(one.mean) for one in (kept, forgotten, chance)],
        low,
        high,
        "share of the variance of the judge's probabilities (R²)",
    )


def _curve(trades: CombinedNoise) -> Curve:
    x = [max(0.0, cut) for cut in trades.cuts[:-1]]
    return Curve(
        "Whose picture comes out?",
        [mean_line("seed with the low frequencies", x, trades.share[:-1].T)],
        "cut-off frequency, in waves across the picture",
        "influence (1: its own picture)",
        ylim=(0.0, 1.0),
    )


def _moved(blocks: Blocks) -> Heatmap:
    stays, chance = means(blocks.stays), means(blocks.by_chance)
    names = [str(i + 1) for i in range(GRID)]
    return Heatmap(
        "Which blocks of the noise change the picture",
        blocks.moves,
        names,
        names,
        "share of all change",
        "column",
        "row",
        note=f"Of the change, {stays.mean:.0%} ({stays.low:.0%} to {stays.high:.0%}) stays in the "
        f"replaced block; by chance it would be {chance.mean:.0%}.",
    )


def _untested(target: AnalysisTarget) -> Explanation:
    table = Table("Prompt", ["prompt"], [[target.prompt]])
    return Explanation(
        "initial_noise",
        TITLE,
        CAPTION,
        (table,),
        "Not tested: there is no judge with two classes or more for these pictures.",
        "inconclusive",
        {"n": 0},
    )

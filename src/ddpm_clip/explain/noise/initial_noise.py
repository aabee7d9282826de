"""What the initial noise decides: against the prompt, by itself, at which frequencies, and where.

Four looks: the variance of pictures over seeds and prompts (a two-way layout), a linear probe
from the noise to the class that is painted without words, and noise of two seeds crossed at a
frequency and block by block. A walk that adds fresh noise at every step forgets where it began:
there the probe has to fail, or it reads something else than the noise. Knows nothing of how
variance is taken apart.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from ddpm_clip.explain.noise.noise_blocks import GRID, Blocks, transplanted
from ddpm_clip.explain.noise.noise_layout import Layout, layout
from ddpm_clip.explain.noise.noise_probe import Probed, probe
from ddpm_clip.explain.noise.noise_trades import Trades, traded
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
"""p at or below it is no chance."""

DETERMINISTIC, FORGETFUL = "dpmpp_2m", "dpmpp_2m_sde"


@dataclass(frozen=True, slots=True, eq=False)
class NoiseEffect:
    """All four looks.

    Attributes:
        prerequisite: is the prompt followed at all?
        layouts: one a guidance scale; the target's own is the first.
        kept: the probe on walks that add no noise.
        forgotten: the probe on walks that add noise at every step, from the same beginnings.
        trades: of frequencies.
        blocks: of the noise, exchanged one by one.
    """

    prerequisite: Prerequisite
    layouts: list[Layout]
    kept: Probed
    forgotten: Probed
    trades: Trades
    blocks: Blocks

    @property
    def beyond(self) -> Means:
        """R^2 of the probe on walks that keep the noise, above that on walks that forget it."""
        return means(self.kept.gains - self.forgotten.gains)


def explain(
    target: AnalysisTarget, *, quick: bool = False
) -> Generator[Progress, None, Explanation]:
    """What the initial noise decides, and what the prompt.

    Args:
        target: a model with a prompt, or anything that walks like one.
        quick: fewer seeds, prompts, steps and pictures.
    """
    if target.judging is None or len(target.classes) < 2:
        return _unread(target)
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
    trades = yield from traded(target, 4 if quick else 16, cuts, steps, DETERMINISTIC)
    blocks = yield from transplanted(target, 4 if quick else 16, steps, DETERMINISTIC)
    probs = target.judge(layouts[0].x[:, 0].to(target.ddpm.device)).cpu()
    prerequisite = yield from check_prerequisite(target, probs)
    found = NoiseEffect(prerequisite, layouts, kept, forgotten, trades, blocks)
    return Explanation(
        "initial_noise",
        "What the first noise decides",
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
    """Walk without words from n seeds, and foretell what the judge says at the end."""
    seeds = target.more_seeds(n, start=len(target.seeds))
    c = target.conditions(seeds=seeds)
    x = yield from target.pictures(
        c, seeds, scale=0.0, steps=steps, sampler=sampler, stage="wordless pictures"
    )
    said = target.judge(x).cpu()
    noise = noise_of(seeds, (n, *target.image_shape), "cpu")(-1)
    return probe(noise, said, draws)


def verdict_of(found: NoiseEffect) -> Verdict:
    """Pass where the prompts are followed, and the noise foretells what is painted without them."""
    words = found.layouts[0].shares["what the judge says"].p_prompt <= SURE
    return weigh(found.prerequisite, [found.beyond], shown=words and found.kept.p <= SURE)


def _test(found: NoiseEffect) -> str:
    kept, forgotten = found.kept, found.forgotten
    p_prompt = found.layouts[0].shares["what the judge says"].p_prompt
    return (
        "It would fail if the noise foretold no more of walks that keep it than of walks that add "
        "fresh noise at every step; it counts only where the prompt moves what the judge sees "
        f"beyond chance (p = {p_prompt:.2g}). Of what the judge says of {len(kept.gains)} pictures "
        f"painted without words the probe explains {kept.r2:.1%} (p = {kept.p:.2g}); where noise "
        f"is added at every step {forgotten.r2:.1%} (p = {forgotten.p:.2g}). Difference of the "
        f"shares: {found.beyond}.{not_counted(found.prerequisite)}"
    )


CAPTION = (
    "Every walk begins in noise, and the seed is all that pictures of one prompt differ by. The "
    "sheet has a row for each seed and a column for each prompt; the table says which part of the "
    "variance of such a sheet goes with the seed, which with the prompt, and which with the pair "
    "of both. Without words the noise alone decides the class: the bars say how much of the "
    "variance (R²) of what the judge says is foretold by a linear probe that sees only coarse "
    "noise. For the curve the noise of two seeds is crossed: up to a frequency it is of the one, "
    "above it of the other; where the curve crosses one half, both have the same say in the "
    "picture. For the last panels one block of a seed's noise is set into another's: the map says "
    "which blocks move the picture most, its note how much of the change stays where the noise was "
    "exchanged."
)


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
            name,
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
            "The same seeds under other prompts",
            own.x[:4],
            ("seed 1", "seed 2", "seed 3", "seed 4")[: len(own.x)],
            names,
        ),
        Table(
            "Where the variance comes from",
            ("guidance", "of", "seed", "prompt", "both", "p of prompt"),
            rows,
            f"by chance alone: seed {chance[0]:.2f}, prompt {chance[1]:.2f}",
        ),
        _bars(found),
        _curve(found.trades),
        Strip(
            "Noise of two seeds, crossed",
            found.trades.x[None],
            (),
            ["other", *(f"{cut:g}" for cut in found.trades.cuts[1:-1]), "one"],
            "above: frequency up to which the noise is of the one seed",
        ),
        _moved(found.blocks),
        Strip(
            "One block of noise exchanged",
            found.blocks.x[None],
            (),
            ["without", *(f"{i // GRID + 1}, {i % GRID + 1}" for i in range(GRID**2)), "giver"],
            "above: row and column of the block whose noise is the giver's",
        ),
    )


def _bars(found: NoiseEffect) -> Bars:
    kept, forgotten = means(found.kept.gains), means(found.forgotten.gains)
    chance = means(found.kept.chance)  # of probes: their spread is that of one probe
    spread = 1.96 * float(found.kept.chance.std())
    low = [float(kept.low), float(forgotten.low), float(chance.mean) - spread]
    high = [float(kept.high), float(forgotten.high), float(chance.mean) + spread]
    return Bars(
        "Foretold from the noise",
        ("the noise is kept", "noise is added", "pictures shuffled"),
        [float(one.mean) for one in (kept, forgotten, chance)],
        low,
        high,
        "share of the variance of what the judge says",
    )


def _curve(trades: Trades) -> Curve:
    x = [max(0.0, cut) for cut in trades.cuts[:-1]]
    return Curve(
        "Whose picture comes out?",
        [mean_line("giver of the low frequencies", x, trades.share[:-1].T)],
        "frequency of the cut, in waves across the picture",
        "nearness to its picture",
        ylim=(0.0, 1.0),
    )


def _moved(blocks: Blocks) -> Heatmap:
    stays, chance = means(blocks.stays), means(blocks.by_chance)
    names = [str(i + 1) for i in range(GRID)]
    return Heatmap(
        "Where noise moves the picture",
        blocks.moves,
        names,
        names,
        "share of all change",
        "column",
        "row",
        note=f"Of the change {stays.mean:.0%} ({stays.low:.0%} to {stays.high:.0%}) "
        f"stays in the block that was exchanged; {chance.mean:.0%} would if it went "
        "anywhere.",
    )


def _unread(target: AnalysisTarget) -> Explanation:
    table = Table("What is asked", ["prompt"], [[target.prompt]])
    return Explanation(
        "initial_noise",
        "What the first noise decides",
        CAPTION,
        (table,),
        "Nobody reads these pictures, so no class can be foretold.",
        "inconclusive",
        {"n": 0},
    )

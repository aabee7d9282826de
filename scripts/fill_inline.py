"""Fill the figures within sentences of the pages, from results and from what ships.

    python scripts/fill_inline.py [--check]

A figure stands between `<!--=name-->` and `<!--/=-->`. With `--check` nothing is written, and the
exit code is 1 if a page is out of date.
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from inline_figures import with_figures
from page_tables import read_results, uncommitted

ROOT = Path(__file__).resolve().parents[1]
RESULTS, WEIGHTS = ROOT / "benchmarks" / "results", ROOT / "src" / "ddpm_clip" / "weights"
NOT_YET = "not measured yet for this version"

Facts = Mapping[str, Any]
Values = dict[str, str]


def explanations(folder: Path = RESULTS) -> Values:
    """The verdict and the sentence of every analysis, and how often nulls pass."""
    from ddpm_clip.explain import EXPLANATIONS

    found = read_results(folder, ["explained", "null_verdicts"])
    facts = found.get("explained", {})
    analyses = facts.get("analyses", {})
    values = {name: _explained(analyses.get(name), facts) for name in EXPLANATIONS}
    return values | {"passed": _passed(facts), "nulls": _nulls(found.get("null_verdicts"))}


def _explained(one: Facts | None, facts: Facts) -> str:
    if one is None:
        return f"{NOT_YET}."
    how = f"{facts['seeds']} seeds{', `--quick`' if facts['quick'] else ''}"
    asked = f"`{facts['model']}` and “{one['prompt']}”"
    return f"For {asked} ({how}): *{one['verdict']}*. {' '.join(one['test'].split())}"


def _passed(facts: Facts) -> str:
    if not facts:
        return NOT_YET
    verdicts = [one["verdict"] for one in facts["analyses"].values()]
    made = facts["made"]
    return (
        f"{verdicts.count('pass')} of {len(verdicts)} tests pass ({made['date'][:10]}, weights "
        f"`{facts['model_fingerprint']}`{uncommitted(facts)})"
    )


def _nulls(facts: Facts | None) -> str:
    if facts is None:
        return f"Null runs: {NOT_YET}."
    nulls, true = facts["nulls"], facts["true"]
    return (
        f"Of {nulls['n']} null runs over all analyses, on the mixture and on `digits`, "
        f"{nulls['pass'] or 'none'} passed (upper end of Wilson's interval: "
        f"{nulls['interval_95'][1]:.1%}). Of {true['n']} runs without any ablation "
        f"{true['share']:.0%} passed ({true['interval_95'][0]:.0%} to "
        f"{true['interval_95'][1]:.0%}){uncommitted(facts)}."
    )


def editing(folder: Path = RESULTS) -> Values:
    """How often a painted pixel agrees with a kept one, by rounds."""
    facts = read_results(folder, ["inpainting_rounds"]).get("inpainting_rounds")
    if facts is None:
        return {"rounds": NOT_YET}
    rows = []
    for name, row in facts["samplers"].items():
        shares = ", ".join(
            f"{one['share']:.1%} ({one['interval_95'][0]:.1%} to {one['interval_95'][1]:.1%}) "
            f"after {rounds}"
            for rounds, one in row.items()
        )
        rows.append(f"`{name}`: {shares}")
    said = f"{'; '.join(rows)} rounds, with {facts['steps']} steps"
    return {"rounds": said + uncommitted(facts)}


def reliability(folder: Path = RESULTS) -> Values:
    """What decoding in a child costs, and what no failure in so many trials means."""
    found = read_results(folder, ["decoding", "kill9", "damaged"])
    return {"decoding": _decoding(found.get("decoding")), "three-over-n": _three_over_n(found)}


def _decoding(facts: Facts | None) -> str:
    if facts is None:
        return NOT_YET
    rows = [
        f"{name}: {_milliseconds(row['here'])} without, {_milliseconds(row['in a child'])} with"
        for name, row in facts["cpu_milliseconds"].items()
    ]
    return f"{'; '.join(rows)}{uncommitted(facts)}"


def _milliseconds(one: Facts) -> str:
    low, high = one["range"]
    return f"{one['milliseconds']:.3g} ms ({low:.3g} to {high:.3g})"


def _three_over_n(found: Mapping[str, Facts]) -> str:
    trials = {"kills": ("kill9", "lost"), "damaged checkpoints": ("damaged", "wrong")}
    said = [
        f"{3 / found[name][key]['n']:.1%} for {found[name][key]['n']:,} {what}"
        + uncommitted(found[name])
        for what, (name, key) in trials.items()
        if name in found
    ]
    return ", ".join(said) or NOT_YET


def cards(folder: Path = RESULTS) -> Values:
    """What the configs of the shipped models say, and what a fifth of the prompts is."""
    values: Values = {}
    for name in ("digits", "flowers"):
        config = json.loads((WEIGHTS / name / "config.json").read_text("utf-8"))["config"]
        training, data = config["training"], config["data"]
        size = data["image_size"]
        values[f"{name}-size"] = f"{size} x {size}"
        values[f"{name}-training"] = (
            f"{training['steps']:,} steps of {training['batch_size']} pictures"
        )
        low, high = config["generation"]["interval"]
        values[f"{name}-guidance"] = (
            f"guidance scale {config['generation']['guidance']:g} in the sigma interval "
            f"({low:g}, {high:g}]"
        )
        if name == "flowers":
            values["flowers-drawings"] = f"{data['draw']:,}"
        else:
            values["digits-bank"] = f"{config['conditioning']['bank_size']:,}"
            values["digits-bridge"] = (
                f"`{config['conditioning']['bridge']}` with truncation "
                f"{config['conditioning']['prior_truncation']:g}"
            )
    size = sum(path.stat().st_size for path in WEIGHTS.rglob("*.safetensors"))
    values |= {"fast-training": "; ".join(map(_twin, ("digits-fast", "flowers-fast")))}
    return values | {"megabytes": f"{size / 1e6:.0f} MB", "shift-fails": _shift_fails(folder)}


def _twin(name: str) -> str:
    path = WEIGHTS / name / "config.json"
    if not path.is_file():
        return NOT_YET
    config = json.loads(path.read_text("utf-8"))["config"]
    walks, training = config["distillation"]["walks"], config["training"]
    return (
        f"`{name}` from {walks:,} walks in {training['steps']:,} steps "
        f"of {training['batch_size']} of them"
    )


def _shift_fails(folder: Path) -> str:
    facts = read_results(folder, ["digits_from_words"]).get("digits_from_words")
    if facts is None:
        return NOT_YET
    total = facts["bridges_and_ceiling"]["shift"]["total"]
    low, high = total["interval_95"]
    said = f"{1 - total['share']:.0%} of plain prompts ({1 - high:.0%} to {1 - low:.0%})"
    return said + uncommitted(facts)


def scaling(folder: Path = RESULTS) -> Values:
    """Memory of the default network in training."""
    import torch

    from ddpm_clip.build import build_denoiser
    from ddpm_clip.config.schema import Config

    config = Config()
    with torch.device("meta"):
        network = build_denoiser(
            config.model,
            T=1000,
            img_ch=config.data.channels,
            img_size=config.data.image_size,
            c_embed_dim=513,
        )
    parameters = sum(one.numel() for one in network.parameters())
    return {"default-memory": f"{20 * parameters / 1e6:.0f} MB"}


PAGES: dict[str, Callable[..., Values]] = {
    "MODEL_CARDS.md": cards,
    "docs/editing.md": editing,
    "docs/explanations.md": explanations,
    "docs/reliability.md": reliability,
    "docs/scaling.md": scaling,
}
"""Page -> the figures that its sentences name."""


def main() -> int:
    """Fill the pages, or compare them."""
    behind = 0
    for page, values in PAGES.items():
        path = ROOT / page
        text = path.read_text(encoding="utf-8")
        wanted = with_figures(text, values())
        behind += wanted != text
        if "--check" not in sys.argv[1:]:
            path.write_text(wanted, encoding="utf-8")
    return int("--check" in sys.argv[1:] and behind > 0)


if __name__ == "__main__":
    sys.exit(main())

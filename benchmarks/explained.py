"""What every analysis finds for a shipped model: the figures of docs/explanations.md.

    python benchmarks/explained.py            a minute on two idle cores
    python benchmarks/explained.py --whole    more seeds, all steps: six times as long

`words` is asked of a longer prompt, because one word has nothing to be compared with.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reporting import RESULTS, claim, finished, parsed, print_claims, write_results

from ddpm_clip.cli.commands.explain import FEW, MANY
from ddpm_clip.explain import target_of
from ddpm_clip.explain.report.run_all import Findings, chosen, explain_all
from ddpm_clip.generation.text_to_image import TextToImage

PROMPT, LONGER = "a six", {"words": "a photo of the digit six"}


def explained(tti: TextToImage, names: list[str], quick: bool, seeds: int) -> dict[str, Findings]:
    """Findings by prompt: one report of the prompt, and one of what asks for a longer one."""
    prompts = {PROMPT: [name for name in names if name not in LONGER]}
    prompts |= {LONGER[name]: [name] for name in names if name in LONGER}
    return {
        prompt: finished(explain_all(target_of(tti, prompt, seeds), some, quick=quick), prompt)
        for prompt, some in prompts.items()
        if some
    }


def as_json(found: Mapping[str, Findings]) -> dict[str, Any]:
    """Each analysis with its prompt, verdict, sentence and numbers."""
    return {
        one.name: {"prompt": prompt} | one.as_dict()
        for prompt, findings in found.items()
        for one in findings.found
    }


def main() -> None:
    options = _options()
    tti = TextToImage.from_pretrained(options.model)
    names = chosen(options.analyses.split(",") if options.analyses else None)
    seeds = options.seeds or (MANY if options.whole else FEW)
    found = explained(tti, names, not options.whole, seeds)
    analyses = as_json(found)
    passed = sum(one["verdict"] == "pass" for one in analyses.values())
    claims = [claim("analyses that pass", passed, len(names), unit=f"of {len(names)}")]
    for name, one in analyses.items():
        print(f"{name}: {one['verdict']}. {one['test']}")
    print_claims(claims)
    write_results(
        options.out,
        {
            "claims": claims,
            "model": tti.model.name,
            "model_fingerprint": tti.model.fingerprint,
            "quick": not options.whole,
            "seeds": seeds,
            "seconds": round(sum(findings.seconds for findings in found.values()), 1),
            "analyses": analyses,
            "skipped": {
                gone.name: gone.reason() for findings in found.values() for gone in findings.skipped
            },
        },
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="digits")
    parser.add_argument("--whole", action="store_true", help="without --quick")
    parser.add_argument("--seeds", type=int, help="pictures; by default as the command has it")
    parser.add_argument("--analyses", help="NAME[,NAME...]; by default all")
    parser.add_argument("--out", type=Path, default=RESULTS / "explained.json")
    return parsed(parser)


if __name__ == "__main__":
    main()

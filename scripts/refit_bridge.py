"""Fit a model's prior and choose its bridge: `python scripts/refit_bridge.py flowers`.

Does what a training does before its first step, for models that were trained before a bridge
existed; the network stays as it is. Pictures are drawn or located as the config of the model says.
A twin gets the prior of its teacher's pictures too, as both are asked with the same words.
With `--words FOLDER`, of a mini-CLIP whose text tower alone was trained further (`freeze_image`),
the models read prompts with that one from now on, and coverage is calibrated anew.
"""

import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.conditioning.files import save_conditioner, write_note
from ddpm_clip.coverage.measuring import keep_coverage
from ddpm_clip.embedders.mini_clip import CARD, WEIGHTS, MiniClip
from ddpm_clip.embedders.texts import TextEmbeddings
from ddpm_clip.runs.pretrained import COVERAGE, LoadedModel, load
from ddpm_clip.training.bridge.bridging import AUTO, bridged, note_of
from ddpm_clip.training.prepare.refitting import caption_pairs, take_words
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.storage import write_text


def main() -> None:
    """Refit each model, and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="+", help="shipped models, packed models or runs")
    parser.add_argument("--bridge", default=AUTO, help="take this one instead of choosing")
    parser.add_argument("--words", type=Path, help="mini-CLIP to read prompts with from now on")
    parser.add_argument("--truncation", type=float, help="width of the prior's draws, 0 to 1")
    options = parser.parse_args()
    for name in options.models:
        model = load(name, "cpu")
        if options.words:
            take_words(model, MiniClip.load(options.words))
            for file in (CARD, WEIGHTS):
                shutil.copyfile(options.words / file, model.folder / "embedder" / file)
        if options.truncation is not None:
            bridges = replace(model.conditioner.options, prior_truncation=options.truncation)
            model.conditioner.options = bridges
        print(json.dumps({"model": name, **refitted(model, options.bridge)}, indent=1))
        if (model.folder / COVERAGE).is_file():
            keep_coverage(model.folder, model.conditioner, model.embedder, model.classes)


def refitted(model: LoadedModel, bridge: str) -> dict[str, object]:
    """Fit and choose, write both to the model's folder, and return the note."""
    conditioner, texts = model.conditioner, TextEmbeddings(model.embedder.embed_texts)
    pairs = finish(caption_pairs(model))
    prompts = texts(conditioner.prompts)
    choice = finish(bridged(conditioner, model.embedder, prompts, pairs, bridge))
    save_conditioner(model.folder, conditioner)
    note = note_of(choice, conditioner)
    write_note(model.folder, note)
    _settle(model.folder, choice.bridge, conditioner)
    return note


def _settle(folder: Path, bridge: str, conditioner: Conditioner) -> None:
    path = folder / "config.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    facts["config"]["conditioning"] |= {
        "bridge": bridge,
        "prior_truncation": conditioner.options.prior_truncation,
    }
    write_text(path, json.dumps(facts, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

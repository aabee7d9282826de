"""Words for a CLIP to look for: typed, from a file, or a named list."""

from pathlib import Path

from ddpm_clip.data.local.npz import read_labels
from ddpm_clip.embedders.prompts import checked_prompt
from ddpm_clip.errors import DataError, MissingInput, UsageError
from ddpm_clip.utils.untrusted import is_file, user_path

MAX_WORDS = 20_000
"""Most words: nearly as many as the classes of the whole of ImageNet."""

CIFAR100 = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup
dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower
leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid
otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray
road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
wardrobe whale willow_tree wolf woman worm
"""
"""The classes of CIFAR-100 (Krizhevsky 2009, section 3.1)."""

VOCABULARIES = {"cifar100": tuple(word.replace("_", " ") for word in CIFAR100.split())}
"""Named lists."""


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a named list, of a file, or of a text such as `cat, dog`; each once.

    A file has one word per line, or `id TAB synonyms` as in the label lists of ImageNet.

    Raises:
        MissingInput: there is no such file.
        DataError: the file cannot be read.
        UsageError: there are no words, too many, or an invalid one.
    """
    path = user_path(text.strip())
    if text.strip() in VOCABULARIES:
        return VOCABULARIES[text.strip()]
    if is_file(path):
        found = _read(path)
    elif path.suffix == ".txt" or "/" in text:
        raise MissingInput(f"no such file: {path}", fix="check --words", param="words")
    else:
        found = text.split(",")
    words = dict.fromkeys(word.strip() for word in found if word.strip())
    if not words:
        raise UsageError(
            "no words to look for", f"{text!r} contains none", "--words cat,dog", param="words"
        )
    if len(words) > MAX_WORDS:
        raise UsageError(
            f"{len(words)} words to look for are too many",
            f"the limit is {MAX_WORDS}",
            param="words",
        )
    return tuple(checked_prompt(word, "words") for word in words)


def _read(path: Path) -> list[str]:
    try:
        return read_labels(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read", str(error), param="words") from error

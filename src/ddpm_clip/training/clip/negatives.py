"""Texts that fit none of the pictures, as extra negatives for the mini-CLIP.

They name everyday things that no caption names, or are made of meaningless words. With them the
mini-CLIP learns to recognise words that it does not know.
"""

import random
from collections.abc import Sequence

from ddpm_clip.data.captions.grammars import Facts, sample_captions
from ddpm_clip.data.captions.unrelated_words import chatter
from ddpm_clip.embedders.prompt_bank import COLOURS, TEMPLATES, THINGS
from ddpm_clip.embedders.tokenizer import normalise

CAPTIONS = 2000
"""Number of captions sampled to find out which words the pictures' captions use."""

KINDS = ("small", "big", "old", "happy", "wild", "wooden", "wet", "thick", "thin", "upright")
"""Adjectives, some of them used in captions: a known adjective does not make the thing known."""


class OutsideTexts:
    """Draws texts that fit none of the pictures.

    Args:
        facts: facts of the pictures; words of their captions are not used.
        seed: random seed of the draws.
    """

    def __init__(self, facts: Sequence[Facts], seed: int):
        self._rng = random.Random(f"outside {seed}")
        stated = [one for one in facts if one]
        captions = sample_captions(stated, CAPTIONS, seed) if stated else []
        values = {word for one in stated for value in one.values() for word in _words(value)}
        known = values | {word for caption in captions for word in _words(caption)}
        self.things = [thing for thing in THINGS if not known & {thing, thing + "s"}]
        self._frames = [frame for frame in TEMPLATES if not values & set(_words(frame))]
        self._values = values

    def draw(self, n: int) -> list[str]:
        """Return n texts: about two thirds name a thing, the others are meaningless."""
        return [self._thing() if self._rng.random() < 0.67 else self._nothing() for _ in range(n)]

    def _thing(self) -> str:
        rng = self._rng
        if not self.things:
            return self._nothing()
        thing = rng.choice(self.things)
        if rng.random() < 0.4:
            thing = f"{rng.choice((*COLOURS, *KINDS))} {thing}"
        if rng.random() < 0.2:
            thing += f" and a {rng.choice(self.things)}"
        if rng.random() < 0.3:
            return f"{chatter(rng)} {thing} {chatter(rng)}"
        return rng.choice(self._frames).format(thing)

    def _nothing(self) -> str:
        words = [chatter(self._rng) for _ in range(self._rng.randrange(1, 9))]
        return " ".join(word for word in words if word not in self._values) or "nothing"


def _words(text: str) -> list[str]:
    return [word.strip(".,!?:;'\"()") for word in normalise(text).split()]

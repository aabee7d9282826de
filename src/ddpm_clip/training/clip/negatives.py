"""Texts about what is in none of the pictures, so that a mini-CLIP can tell what it does not know.

Things of everyday life that no caption names, and sentences of words that mean nothing. Knows
nothing of how they enter the training (`ddpm_clip.training.clip.contrastive`).
"""

import random
from collections.abc import Sequence

from ddpm_clip.data.captions.grammars import Facts, sample_captions
from ddpm_clip.data.captions.unrelated_words import chatter
from ddpm_clip.embedders.prompt_bank import COLOURS, TEMPLATES, THINGS
from ddpm_clip.embedders.tokenizer import normalise

LISTENED = 2000
"""Captions in which the words of a domain are looked for."""

KINDS = ("small", "big", "old", "happy", "wild", "wooden", "wet", "thick", "thin", "upright")
"""Adjectives, some of which a domain may know: a known adjective does not make a known thing."""


class OutsideTexts:
    """Draws texts that fit none of the pictures.

    Args:
        facts: of the pictures; what their captions name is not outside.
        seed: of the drawing.
    """

    def __init__(self, facts: Sequence[Facts], seed: int):
        self._rng = random.Random(f"outside {seed}")
        told = [one for one in facts if one]
        heard = sample_captions(told, LISTENED, seed) if told else []
        values = {word for one in told for value in one.values() for word in _words(value)}
        known = values | {word for caption in heard for word in _words(caption)}
        self.things = [thing for thing in THINGS if not known & {thing, thing + "s"}]
        self._frames = [frame for frame in TEMPLATES if not values & set(_words(frame))]
        self._values = values

    def draw(self, n: int) -> list[str]:
        """n texts: two thirds name a thing, the others nothing at all."""
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

"""Each text through the encoder once, however often it is asked for.

An encoder's last bits may depend on what else is in its batch; a text that was embedded before
comes back as it was, and where pictures are painted each text is a batch of its own, so that they
can be painted again without knowing what was asked beside or before. Knows nothing of the encoder.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

MOST = 10_000
"""Texts that are remembered; beyond them all are forgotten but those that are asked for."""


class TextEmbeddings:
    """`embed_texts` with a memory.

    >>> asked = []
    >>> once = TextEmbeddings(lambda texts: asked.append(list(texts)) or torch.ones(len(texts), 2))
    >>> once(["rose", "tulip", "rose"]).shape, once(["rose"]).shape, asked
    (torch.Size([3, 2]), torch.Size([1, 2]), [['rose', 'tulip']])

    Args:
        embed: texts, each different -> (p, e); no texts -> (0, e).
        alone: one text a call of `embed`, which is slower for many.
    """

    def __init__(self, embed: Callable[[Sequence[str]], Tensor], *, alone: bool = False):
        self._embed = _one_by_one(embed) if alone else embed
        self._known: dict[str, Tensor] = {}
        self._threads = torch.get_num_threads()

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """(p, e) on the processor, one row a text; equal texts have equal rows."""
        if not texts:
            return self._embed([]).detach().cpu()
        if torch.get_num_threads() != self._threads:  # which round otherwise
            self._known, self._threads = {}, torch.get_num_threads()
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            rows = self._embed(new).detach().cpu()
            if len(self._known) + len(new) > MOST:
                asked = set(texts)
                self._known = {text: row for text, row in self._known.items() if text in asked}
            self._known |= dict(zip(new, rows, strict=True))
        return torch.stack([self._known[text] for text in texts])


def _one_by_one(embed: Callable[[Sequence[str]], Tensor]) -> Callable[[Sequence[str]], Tensor]:
    def embed_each(texts: Sequence[str]) -> Tensor:
        return torch.cat([embed([text]) for text in texts]) if texts else embed([])

    return embed_each

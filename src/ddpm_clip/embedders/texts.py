"""Caches text embeddings, so that each text is encoded once and equal texts get equal embeddings.

The last bits of an embedding may depend on the rest of its batch. So a cached embedding is returned
unchanged, and for painting each text is encoded in a batch of its own: then a picture can be
reproduced without knowing which other prompts were used.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ddpm_clip.embedders.prompts import texts_only

MOST = 10_000
"""Largest size of the cache; when it is exceeded, all texts but the requested ones are dropped."""


class TextEmbeddings:
    """`embed_texts` with a cache.

    >>> asked = []
    >>> once = TextEmbeddings(lambda texts: asked.append(list(texts)) or torch.ones(len(texts), 2))
    >>> once(["rose", "tulip", "rose"]).shape, once(["rose"]).shape, asked
    (torch.Size([3, 2]), torch.Size([1, 2]), [['rose', 'tulip']])

    Args:
        embed: Function from distinct texts to (p, e), and from no texts to (0, e).
        alone: Call `embed` for each text separately, which is slower for many texts.
    """

    def __init__(self, embed: Callable[[Sequence[str]], Tensor], *, alone: bool = False):
        self._embed = _one_by_one(embed) if alone else embed
        self._known: dict[str, Tensor] = {}
        self._threads = torch.get_num_threads()

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Return embeddings (p, e) on the CPU; equal texts have equal rows.

        Raises:
            UsageError: One is not a string.
        """
        texts = texts_only(texts)
        if not texts:
            return self._embed([]).detach().cpu()
        if torch.get_num_threads() != self._threads:  # another number of threads rounds differently
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

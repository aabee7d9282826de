"""Exact nearest-neighbour search in a large bank, in bounded memory, and draws between neighbours.

Searches the bank in chunks and keeps the best so far; from `FAISS_FROM` rows on, the exact index of
faiss is used if it is installed (`pip install "ddpm-clip[faiss]"`).
"""

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from ddpm_clip.errors import DataError

CHUNK = 4096
"""Rows of the bank, and rows of the query, that are compared at a time."""

FAISS_FROM = 100_000
"""Smallest number of rows for which faiss is faster."""

NEIGHBOURS = 5
"""Nearest pictures, between one of which and a picture an embedding is drawn."""

SHARPNESS = 60.0
"""Factor of the cosines in the softmax of `resample`."""

Part = Callable[[int, int], Tensor]
"""(start, stop) -> these rows of the bank, ready for comparison, (stop - start, e) float32."""


class Bank:
    """A bank of rows to be searched many times.

    Args:
        part: returns a range of rows; the whole bank need not fit into memory.
        n: number of rows.
        faiss: whether to search by faiss; None does so where it is faster and installed.
    """

    def __init__(self, part: Part, n: int, faiss: bool | None = None):
        self.part, self.n = part, n
        wanted = n >= FAISS_FROM if faiss is None else faiss
        # `find_spec` does not import faiss; the index is built by the first search.
        self.faiss = wanted and importlib.util.find_spec("faiss") is not None
        self._index: Any = None

    def nearest(self, query: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Return the k rows with the largest inner products.

        Among equal products the earlier row comes first; which of several rows that tie for the
        k-th place is returned is not defined.

        Args:
            query: (m, e) float32.
            k: number of neighbours, at most the number of rows.

        Returns:
            (products (m, k), row numbers (m, k)), largest first.
        """
        parts = [self._nearest(part, k) for part in torch.split(query, CHUNK)]
        if not parts:
            return torch.empty(0, k), torch.empty(0, k, dtype=torch.long)
        return torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])

    def _nearest(self, query: Tensor, k: int) -> tuple[Tensor, Tensor]:
        return self._by_faiss(query, k) if self.faiss else self._in_chunks(query, k)

    def _in_chunks(self, query: Tensor, k: int) -> tuple[Tensor, Tensor]:
        best = torch.empty(len(query), 0)
        rows = torch.empty(len(query), 0, dtype=torch.long)
        for start in range(0, self.n, CHUNK):
            products = query @ self.part(start, min(start + CHUNK, self.n)).T  # (m, chunk)
            new = torch.arange(start, start + products.shape[1]).expand_as(products)
            best, rows = torch.cat([best, products], 1), torch.cat([rows, new], 1)
            top = best.topk(min(k, best.shape[1]), dim=1)
            best, rows = top.values, rows.gather(1, top.indices)
        return _in_order(best, rows)

    def _by_faiss(self, query: Tensor, k: int) -> tuple[Tensor, Tensor]:
        import faiss

        if self._index is None:
            index = faiss.IndexFlatIP(query.shape[1])
            for start in range(0, self.n, CHUNK):
                index.add(self.part(start, min(start + CHUNK, self.n)).contiguous().numpy())
            self._index = index
        products, rows = self._index.search(query.contiguous().numpy(), k)
        return _in_order(torch.from_numpy(products), torch.from_numpy(rows))


def between(
    rows: Tensor, bank: Bank, generator: torch.Generator, logits: Tensor | None = None
) -> Tensor:
    """Draw (1, e): a row (n, e) of a bank, moved up to half of the way to one of its neighbours.

    Both are drawn with probabilities in proportion to exp(logits) (n,); None draws evenly. Such a
    mixture is of no single picture (as in SMOTE, Chawla et al. 2002). Conditioned on even draws, a
    network paints unlabelled pictures far better than without a condition (RCG, Li et al. 2024).

    Raises:
        DataError: the bank holds too few embeddings.
    """
    if bank.n <= NEIGHBOURS:
        raise DataError(
            f"this model's bank holds {bank.n} embeddings, {NEIGHBOURS + 1} are needed",
            "it was trained or packed without its bank, or on too few pictures",
            "use another bridge (--bridge shift), or without words --unconditional",
        )
    logits = torch.zeros(bank.n) if logits is None else logits
    own = int(_chosen(logits, generator))
    _, found = bank.nearest(bank.part(own, own + 1), NEIGHBOURS + 1)  # the first is itself
    near = found[0, 1:][_chosen(logits[found[0, 1:]], generator)]
    share = torch.rand(1, generator=generator) / 2
    return torch.lerp(rows[own].float(), rows[near].float(), share)[None]


class Pictures(Protocol):
    """What `resample` uses of a conditioner."""

    bank: Tensor

    @property
    def search(self) -> Bank:
        """The bank, centred, to search for neighbours."""
        ...

    def images(self, e: Tensor) -> Tensor:
        """Return conditions (n, dim + 1) of image embeddings (n, dim); last is the noise level."""
        ...


def resample(
    context: Pictures, e: Tensor, level: float | None, generators: Sequence[torch.Generator]
) -> tuple[Tensor, float]:
    """The bridge that draws the embedding of a picture that the words may mean.

    Contrastive training makes exp(cosine / T) proportional to P(image | text) / P(image) (van den
    Oord et al. 2018), so the softmax of the CLIP itself is the probability of each picture in the
    bank. The modality gap does not matter: what all pictures have in common cancels out.
    `SHARPNESS` is above 1 / T of the mini-CLIPs (20): that keeps to details which a text states.
    """
    drawn = [e[:0]]
    for text, generator in zip(e, generators, strict=True):  # a row does not depend on the others
        cosines = torch.cat([rows.float() @ text for rows in torch.split(context.bank, CHUNK)])
        logits = SHARPNESS * cosines.double()
        drawn.append(between(context.bank, context.search, generator, logits))
    return context.images(torch.cat(drawn))[:, :-1], 0.0


def _chosen(logits: Tensor, generator: torch.Generator) -> Tensor:
    """Draw the number of one entry; by Gumbel noise: torch.multinomial takes at most 2 ** 24."""
    uniform = torch.rand(len(logits), generator=generator, dtype=torch.float64)
    return (logits - (-uniform.clamp(min=1e-300).log()).log()).argmax()


def _in_order(products: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Sort by falling product, and by row number among equal products."""
    by_row = rows.argsort(dim=1)
    products, rows = products.gather(1, by_row), rows.gather(1, by_row)
    order = products.argsort(dim=1, descending=True, stable=True)
    return products.gather(1, order), rows.gather(1, order)

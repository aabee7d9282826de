"""The nearest rows of a large bank, exactly, in bounded memory.

Goes through the bank in chunks with a running best; from `FAISS_FROM` rows on, and where faiss is
installed (`pip install "ddpm-clip[faiss]"`), its exact index does the same. Knows nothing of what
the rows are.
"""

import importlib.util
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

CHUNK = 4096
"""Rows of the bank, and rows that are asked for, that are compared at a time."""

FAISS_FROM = 100_000
"""Rows of a bank below which faiss gains nothing."""

Part = Callable[[int, int], Tensor]
"""(start, stop) -> those rows of the bank as they are to be compared, (stop - start, e) float32."""


class Bank:
    """Rows that are searched; made once, asked often.

    Args:
        part: gives a stretch of the rows, which need not fit into memory all at once.
        n: how many there are.
        faiss: search by faiss; None does so where that pays and it is installed.
    """

    def __init__(self, part: Part, n: int, faiss: bool | None = None):
        self.part, self.n = part, n
        wanted = n >= FAISS_FROM if faiss is None else faiss
        # A cheap question that imports nothing; the index is built by the first search.
        self.faiss = wanted and importlib.util.find_spec("faiss") is not None
        self._index: Any = None

    def nearest(self, query: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """The k rows with the largest inner products.

        Of equal ones among them the earlier comes first; which of several that are equal to the
        k-th is among them is open.

        Args:
            query: (m, e) float32.
            k: at most as many as there are rows.

        Returns:
            (products (m, k), rows (m, k)), largest first.
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


def _in_order(products: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Largest first, and of equal ones the earlier row first."""
    by_row = rows.argsort(dim=1)
    products, rows = products.gather(1, by_row), rows.gather(1, by_row)
    order = products.argsort(dim=1, descending=True, stable=True)
    return products.gather(1, order), rows.gather(1, order)

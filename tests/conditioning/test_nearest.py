"""The nearest rows, chunk by chunk, against all of them at once."""

import importlib.util

import pytest
import torch
from torch.nn import functional as F

from ddpm_clip.conditioning import nearest
from ddpm_clip.conditioning.nearest import Bank

HAS_FAISS = importlib.util.find_spec("faiss") is not None
WAYS = [False, pytest.param(True, marks=pytest.mark.skipif(not HAS_FAISS, reason="no faiss here"))]


def rows_of(n, seed=0, dim=24):
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(n, dim, generator=generator), dim=1)


def bank_of(rows, faiss):
    asked = []

    def part(start, stop):
        asked.append(stop - start)
        return rows[start:stop]

    return Bank(part, len(rows), faiss), asked


@pytest.mark.parametrize("faiss", WAYS)
@pytest.mark.parametrize(("n", "k"), [(9, 9), (100, 7), (4096, 4), (9001, 40)])
def test_the_nearest_are_those_of_the_whole_matrix(faiss, n, k):
    rows, query = rows_of(n), rows_of(33, seed=1)
    bank, asked = bank_of(rows, faiss)
    products, found = bank.nearest(query, k)
    top = (query @ rows.T).topk(k, dim=1)
    assert torch.equal(found, top.indices)
    assert torch.allclose(products, top.values, atol=1e-6)
    assert max(asked) <= nearest.CHUNK


@pytest.mark.parametrize("faiss", WAYS)
def test_of_equal_rows_the_earlier_comes_first(faiss):
    rows = rows_of(5)[[3, 1, 3, 0, 3]]
    products, found = bank_of(rows, faiss)[0].nearest(rows[:1], 5)
    assert found[0, :3].tolist() == [0, 2, 4]
    assert bool((products[:, :-1] >= products[:, 1:]).all())


def test_nothing_is_as_large_as_queries_times_bank(monkeypatch):
    sizes, cat = [], torch.cat

    def watched(parts, *args):
        out = cat(parts, *args)
        sizes.append(out.numel())
        return out

    monkeypatch.setattr(nearest, "CHUNK", 100)
    monkeypatch.setattr(torch, "cat", watched)
    rows, query = rows_of(5000), rows_of(250, seed=1)
    _, found = bank_of(rows, False)[0].nearest(query, 10)
    assert torch.equal(found, (query @ rows.T).topk(10, dim=1).indices)
    assert max(sizes) <= 100 * 110


def test_no_question_no_answer():
    products, rows = bank_of(rows_of(9), False)[0].nearest(torch.empty(0, 24), 3)
    assert products.shape == rows.shape == (0, 3)


def test_faiss_is_for_large_banks_only_and_never_needed(monkeypatch):
    assert not Bank(lambda a, b: rows_of(b - a), nearest.FAISS_FROM - 1).faiss
    assert Bank(lambda a, b: rows_of(b - a), nearest.FAISS_FROM).faiss == HAS_FAISS
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not Bank(lambda a, b: rows_of(b - a), nearest.FAISS_FROM).faiss

"""Filling: whoever embeds a picture, it has the same row of the same full batch."""

import threading

import pytest
import torch

from ddpm_clip.data.cache.embeddings import EmbeddingCache
from ddpm_clip.data.cache.filling import fill, planned

N, B = 23, 4
KEYS, DIGESTS = [f"picture {i}" for i in range(N)], [f"{i:064x}" for i in range(N)]


def open_cache(folder):
    return EmbeddingCache.open_or_create(
        folder, embedder_name="toy", fingerprint="f00d", dim=3, preprocessing="none"
    )


class Encoder:
    """Gives each picture its number, its row in the batch and the batch's size."""

    def __init__(self):
        self.batches = []

    def __call__(self, batch):
        self.batches.append(batch)
        return torch.tensor([[i, row, len(batch)] for row, i in enumerate(batch)]).float()


def filled(folder, ready=lambda i: i, keys=KEYS, digests=DIGESTS, **options):
    encoder, cache = Encoder(), open_cache(folder)
    list(fill(cache, encoder, keys, digests, ready, batch_size=B, **options))
    return encoder, cache


@pytest.mark.parametrize("workers", [0, 3])
def test_every_batch_is_full_and_every_picture_in_its_own_row(tmp_path, workers):
    encoder, cache = filled(tmp_path, workers=workers)
    wanted = [[i, i % B, B] for i in range(N)]
    assert cache.lookup(KEYS, DIGESTS).int().tolist() == wanted
    assert encoder.batches[-1] == [20, 21, 22, 22]


def test_a_stretch_of_the_job_gets_the_same_rows_as_the_whole(tmp_path):
    _, whole = filled(tmp_path / "whole")
    _, part = filled(
        tmp_path / "part", lambda i: i + 8, KEYS[8:20], DIGESTS[8:20], places=range(8, 20)
    )
    ours, theirs = part.lookup(KEYS[8:20], DIGESTS[8:20]), whole.lookup(KEYS[8:20], DIGESTS[8:20])
    assert torch.equal(ours, theirs)


def test_pictures_that_cannot_be_used_move_no_other(tmp_path):
    bad = {4, 5, 6, 7, 9, 22}
    encoder, cache = filled(tmp_path / "found", lambda i: None if i in bad else i)
    good = [i for i in range(N) if i not in bad]
    assert cache.missing(KEYS, DIGESTS) == sorted(bad)
    keys, digests = [KEYS[i] for i in good], [DIGESTS[i] for i in good]
    assert cache.lookup(keys, digests)[:, 1].tolist() == [i % B for i in good]
    assert len(encoder.batches) == 5  # none where nothing is to be seen

    filled(tmp_path / "known", lambda row: good[row], keys, digests, places=good)
    left, right = (
        {p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("found", "known")
    )
    assert left == right


def test_a_changed_picture_here_and_there_does_not_cost_a_batch_each(tmp_path):
    filled(tmp_path)
    changed = [f"{d}*" if i % 5 == 0 else d for i, d in enumerate(DIGESTS)]
    encoder, _ = filled(tmp_path, digests=changed)
    assert encoder.batches == [[0, 5, 10, 15], [20, 20, 20, 20]]


def test_a_plan_has_every_absent_picture_once():
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        places = torch.randperm(90, generator=generator)[:40].sort().values.tolist()
        absent = [i for i in range(40) if torch.rand(1, generator=generator) < 0.7]
        plan = planned(absent, 40, places, B, 3)
        assert sorted(i for batch in plan for i in batch.pictures) == absent
        assert all(len(set(b.slots)) == len(b.pictures) <= B for b in plan)


def test_the_next_batch_is_made_ready_while_one_is_encoded(tmp_path):
    ahead_of_time = threading.Event()

    def ready(i):
        if i == B:
            ahead_of_time.set()
        return i

    def embed(batch):
        if batch[0] == 0:
            assert ahead_of_time.wait(5)
        return torch.zeros(len(batch), 3)

    cache = open_cache(tmp_path)
    assert list(fill(cache, embed, KEYS, DIGESTS, ready, batch_size=B, workers=1))[-1] == N


def test_an_interrupt_in_the_encoder_stores_what_is_done(tmp_path):
    def embed(batch):
        if batch[0] == 12:
            raise KeyboardInterrupt
        return torch.zeros(len(batch), 3)

    with pytest.raises(KeyboardInterrupt):
        list(fill(open_cache(tmp_path), embed, KEYS, DIGESTS, lambda i: i, batch_size=B, workers=2))
    assert open_cache(tmp_path).missing(KEYS, DIGESTS) == list(range(12, N))

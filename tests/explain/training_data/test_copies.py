import torch
from torch.nn import functional as F

from ddpm_clip.explain.panels.kinds import Table
from ddpm_clip.explain.training_data.copies import CopyAudit, near_rows


def rows(n, seed):
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(n, 12, generator=generator), dim=1)


def test_planted_copies_are_flagged_and_fresh_rows_of_the_same_kind_are_not():
    bank = rows(2000, 0)
    planted = F.normalize(bank[:30] + 1e-3 * rows(30, 2), dim=1)
    assert near_rows(planted, bank).duplicates == 30
    fresh = near_rows(rows(300, 1), bank)
    assert fresh.duplicates <= 3  # nearer than half of what one in a hundred is
    assert 0.9 < fresh.ratio < 1.1


def test_a_mixture_of_both_counts_the_copies():
    bank = rows(1000, 0)
    assert near_rows(torch.cat([bank[:7], rows(50, 1)]), bank).duplicates in (7, 8)


def test_where_nothing_could_be_looked_at_the_table_says_why():
    found = CopyAudit(why=("no bank",)).panels()
    assert isinstance(found[0], Table)
    assert found[0].note == "no bank."
    assert CopyAudit(why=("no bank",)).as_dict()["embeddings"] is None

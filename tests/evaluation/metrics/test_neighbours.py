import torch

from ddpm_clip.evaluation.metrics.neighbours import distance_blocks, nearest_others, nearest_rows


def normal(n, d=5, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def test_the_nearest_are_those_of_the_whole_matrix():
    a, b = normal(40), normal(60, seed=1)
    top = torch.cdist(a.double(), b.double()).topk(7, largest=False)
    distances, rows = nearest_rows(a, b, 7)
    assert torch.equal(rows, top.indices)
    assert torch.allclose(distances, top.values)


def test_far_from_the_origin_a_copy_is_still_at_no_distance():
    b = normal(50) + 1000
    distances, rows = nearest_rows(b[:9], b, 2)
    assert torch.equal(rows[:, 0], torch.arange(9))
    assert (distances[:, 0] == 0).all()
    assert (distances[:, 1] > 0.1).all()


def test_no_row_is_its_own_neighbour_but_its_twin_is():
    x = torch.tensor([[0.0], [5.0], [5.0], [6.0]])
    distances, rows = nearest_others(x, 2)
    assert distances.tolist() == [[5, 5], [0, 1], [0, 1], [1, 1]]
    assert rows.tolist() == [[1, 2], [2, 3], [1, 3], [1, 2]]


def test_among_many_equal_rows_every_neighbour_is_at_no_distance():
    distances, rows = nearest_others(torch.zeros(9, 2), 3)
    assert rows.shape == distances.shape == (9, 3)
    assert (distances == 0).all()


def test_a_small_bank_gives_what_it_has():
    assert nearest_rows(normal(3), normal(2, seed=1), 50)[1].shape == (3, 2)


def test_blocks_are_the_squared_distances():
    a, b = normal(2000, 3), normal(10, 3, seed=1)
    blocks = dict(distance_blocks(a, b))
    assert list(blocks) == [0, 1024]
    assert torch.allclose(
        torch.cat(list(blocks.values())).sqrt(), torch.cdist(a, b).double(), atol=1e-5
    )

import pytest
import torch
from torch.utils.data import DataLoader

from ddpm_clip.data.csv_exchange.dataset import CLIPDataset
from ddpm_clip.data.csv_exchange.embedding_csv import write_csv
from ddpm_clip.data.local.drawn_flowers import write_folder
from ddpm_clip.errors import DataError, UsageError


class Brightness:
    """A model with `encode_image`: the mean of each colour."""

    def encode_image(self, x):
        return x.mean((2, 3))


def pixels(picture):
    return torch.tensor(list(picture.tobytes())).float().view(*picture.size, 3).permute(2, 0, 1)


@pytest.fixture
def listed(tmp_path):
    paths = [str(path) for path in write_folder(tmp_path / "flowers", 5, size=40)]
    rows = torch.arange(20).float().view(5, 4)
    write_csv(tmp_path / "clip.csv", paths, rows)
    return tmp_path / "clip.csv", paths, rows


def test_pictures_come_with_the_embeddings_of_their_own_rows(listed):
    csv, paths, rows = listed
    data = CLIPDataset(csv, clip_features=4)
    assert len(data) == 5
    assert data.paths == paths
    picture, label = data[3]
    assert picture.shape == (3, 32, 32)
    assert -1 <= picture.min() < picture.max() <= 1
    assert torch.equal(label, rows[3])
    batch, labels = next(iter(DataLoader(data, batch_size=5)))
    assert batch.shape == (5, 3, 32, 32)
    assert torch.equal(labels, rows)


def test_transforms_are_applied_once_and_each_time(listed):
    shown = []
    data = CLIPDataset(
        listed[0],
        img_transforms=lambda p: torch.full((3, 2, 2), float(p.width)),
        random_transforms=lambda x: shown.append(1) or x + len(shown),
        clip_features=4,
    )
    assert data[0][0].unique().tolist() == [41]
    assert data[0][0].unique().tolist() == [42]


def test_a_model_is_asked_where_the_csv_is_not_trusted(listed):
    data = CLIPDataset(
        listed[0], preprocessed_clip=False, clip_model=Brightness(), clip_preprocess=pixels
    )
    label = data[1][1]
    assert label.shape == (3,)
    assert 0 < label.min() < label.max() < 255
    with pytest.raises(UsageError, match="clip_preprocess"):
        CLIPDataset(listed[0], preprocessed_clip=False, clip_model=Brightness())[0]
    with pytest.raises(UsageError, match="needs a clip_model"):
        CLIPDataset(listed[0], preprocessed_clip=False)


def test_an_unusable_picture_is_named_and_its_row_goes_with_it(listed, tmp_path):
    csv, paths, rows = listed
    (tmp_path / "flowers" / "flower-000002.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning, match="flower-000002"):
        data = CLIPDataset(csv, clip_features=4)
    assert data.paths == [paths[0], *paths[2:]]
    assert torch.equal(data[1][1], rows[2])


def test_a_csv_that_does_not_fit_is_refused(listed, tmp_path):
    with pytest.raises(DataError, match="embeddings of size 4"):
        CLIPDataset(listed[0])
    write_csv(tmp_path / "lost.csv", ["nowhere.png"], torch.ones(1, 4))
    with (
        pytest.warns(UserWarning, match="nowhere"),
        pytest.raises(DataError, match="none of the 1"),
    ):
        CLIPDataset(tmp_path / "lost.csv", clip_features=4)

import pytest

from ddpm_clip.utils.resizing import Size


def test_a_square_is_given_by_its_side():
    assert Size.of(28) == Size.of((28, 28)) == Size(28, 28)
    assert Size.of([16, 24]) == Size(height=16, width=24)


@pytest.mark.parametrize("wrong", [(1, 2, 3), (7,), ()])
def test_anything_but_one_or_two_sides_is_refused(wrong):
    with pytest.raises(ValueError, match="unpack"):
        Size.of(wrong)


def test_files_hold_the_side_of_a_square_and_both_sides_of_other_shapes():
    assert Size(28, 28).plain == 28
    assert Size(16, 24).plain == [16, 24]
    assert all(Size.of(size.plain) == size for size in (Size(28, 28), Size(16, 24)))


def test_in_words_the_width_comes_first():
    assert f"{Size(16, 24)}" == "24x16"


def test_the_aspect_does_not_depend_on_how_large_pictures_are():
    assert Size(16, 24).aspect == Size(64, 96).aspect == (2, 3)
    assert Size(28, 28).aspect == (1, 1)

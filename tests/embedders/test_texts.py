"""Each text through the encoder once."""

import torch

from ddpm_clip.embedders import texts
from ddpm_clip.embedders.texts import TextEmbeddings


class Encoder:
    """Gives each text its length and the size of the batch it came in, and remembers the batch."""

    def __init__(self):
        self.batches = []

    def __call__(self, asked):
        self.batches.append(list(asked))
        return torch.tensor([[len(text), len(asked)] for text in asked]).float().reshape(-1, 2)


def test_duplicates_are_encoded_once_and_are_equal():
    encoder = Encoder()
    once = TextEmbeddings(encoder)
    rows = once(["rose", "tulip", "rose", "iris", "rose"])
    assert encoder.batches == [["rose", "tulip", "iris"]]
    assert rows[:, 0].tolist() == [4, 5, 4, 4, 4]
    again = once(["violet", "rose"])
    assert encoder.batches[1:] == [["violet"]]
    assert torch.equal(again[1], rows[0])  # whatever it is asked for with


def test_no_text_gives_no_row():
    assert TextEmbeddings(Encoder())([]).shape == (0, 2)


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(texts, "MOST", 3)
    encoder = Encoder()
    once = TextEmbeddings(encoder)
    for word in ("a", "b", "c", "d"):
        once([word])
    assert once(["d", "a"]).shape == (2, 2)
    assert encoder.batches[-1] == ["a"]


def test_alone_a_text_does_not_depend_on_what_is_asked_with_it():
    encoder = Encoder()
    once = TextEmbeddings(encoder, alone=True)
    rows = once(["rose", "tulip", "rose"])
    assert encoder.batches == [["rose"], ["tulip"]]
    assert rows.tolist() == [[4, 1], [5, 1], [4, 1]]
    assert once([]).shape == (0, 2)


def test_a_text_is_embedded_again_under_another_number_of_threads():
    encoder, before = Encoder(), torch.get_num_threads()
    once = TextEmbeddings(encoder)
    once(["rose"])
    try:
        torch.set_num_threads(before + 1)
        once(["rose"])
        once(["rose"])
    finally:
        torch.set_num_threads(before)
    assert encoder.batches == [["rose"], ["rose"]]

"""Parts of a job: which pictures are whose, and which parts may be merged."""

import json
from dataclasses import replace

import pytest

from ddpm_clip.data.cache.card import CacheCard
from ddpm_clip.data.cache.parts import (
    DONE,
    Done,
    EmbeddingShard,
    Job,
    agree_on_job,
    complete_parts,
    write_done,
)
from ddpm_clip.data.pictures.pixels import BadFile
from ddpm_clip.errors import CannotCreate, MissingInput, StorageError, UsageError

KEYS = [f"picture {i}" for i in range(10)]
JOB = Job.of(KEYS, 2, CacheCard("toy", "f00d", 8, "centre 3ch plain white"))


def make(home, part, job=JOB):
    folder = part.folder(home)
    agree_on_job(folder, job)
    rows = part.rows(job.pictures, job.batch_size)
    write_done(folder, Done([f"{i:064x}" for i in rows], [BadFile("a", "damaged", "")]))


@pytest.mark.parametrize("total", [0, 1, 7, 64, 65, 1000])
@pytest.mark.parametrize("count", [1, 3, 4, 50])
@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_parts_are_whole_batches_and_together_everything(total, count, batch_size):
    stretches = [EmbeddingShard(count, i).rows(total, batch_size) for i in range(count)]
    assert [i for rows in stretches for i in rows] == list(range(total))
    assert all(rows.start % batch_size == 0 for rows in stretches if rows)
    batches = [-(-len(rows) // batch_size) for rows in stretches]
    assert max(batches) - min(batches) <= 1


def test_parts_are_counted_from_0():
    assert [str(EmbeddingShard.parse(text)) for text in ("0/3", "1/3", "2/3")] == [
        "0/3",
        "1/3",
        "2/3",
    ]


@pytest.mark.parametrize(
    ("text", "fix"),
    [("3/3", "with 3 parts: 0/3 to 2/3"), ("7/2", "with 2 parts: 0/2 to 1/2")]
    + [(text, "as in 0/4") for text in ("0/0", "-1/3", "1", "a/b", "1/3/5", "")],
)
def test_what_is_no_part_is_refused_with_what_there_is(text, fix):
    with pytest.raises(UsageError, match="counted from 0") as refused:
        EmbeddingShard.parse(text)
    assert refused.value.fix == fix


def test_parts_that_are_not_there_are_named_with_their_commands(tmp_path):
    for i in (0, 3):
        make(tmp_path, EmbeddingShard(4, i))
    agree_on_job(EmbeddingShard(4, 1).folder(tmp_path), JOB)  # begun, not done
    with pytest.raises(MissingInput) as refused:
        complete_parts(tmp_path, JOB, "ddpm-clip embed photos --out e")
    assert "2 of 4 parts" in str(refused.value)
    for i in (1, 2):
        assert f"ddpm-clip embed photos --out e --shard {i}/4" in str(refused.value)
        make(tmp_path, EmbeddingShard(4, i))
    assert [str(part) for part, _ in complete_parts(tmp_path, JOB, "")] == [
        "0/4",
        "1/4",
        "2/4",
        "3/4",
    ]


def test_where_there_are_no_parts_it_is_said(tmp_path):
    with pytest.raises(MissingInput, match="no parts"):
        complete_parts(tmp_path / "nowhere", JOB, "ddpm-clip embed")


def test_of_two_cuts_the_complete_one_is_taken(tmp_path):
    make(tmp_path, EmbeddingShard(4, 2))
    for i in range(3):
        make(tmp_path, EmbeddingShard(3, i))
    assert len(complete_parts(tmp_path, JOB, "")) == 3


@pytest.mark.parametrize(
    "other",
    [
        Job.of([*KEYS[:-1], "other"], 2, JOB.card),
        Job.of(KEYS[:-1], 2, JOB.card),
        replace(JOB, batch_size=3),
        replace(JOB, card=replace(JOB.card, fingerprint="beef")),
        replace(JOB, card=replace(JOB.card, preprocessing="none 3ch plain white")),
    ],
)
def test_parts_of_another_job_are_refused(tmp_path, other):
    make(tmp_path, EmbeddingShard(1, 0), other)
    with pytest.raises(CannotCreate, match="another job"):
        complete_parts(tmp_path, JOB, "")
    with pytest.raises(CannotCreate, match="another job"):
        agree_on_job(EmbeddingShard(1, 0).folder(tmp_path), JOB)


@pytest.mark.parametrize("text", ["", "{}", '{"digests": [], "bad": []}', '{"digests": 3}'])
def test_a_damaged_note_of_being_done_counts_as_not_done(tmp_path, text):
    make(tmp_path, EmbeddingShard(1, 0))
    (EmbeddingShard(1, 0).folder(tmp_path) / DONE).write_text(text)
    with pytest.raises(MissingInput, match="0/1"):
        complete_parts(tmp_path, JOB, "")


def test_a_damaged_job_is_a_storage_error(tmp_path):
    make(tmp_path, EmbeddingShard(1, 0))
    (EmbeddingShard(1, 0).folder(tmp_path) / "job.json").write_text(json.dumps([1]))
    with pytest.raises(StorageError, match=r"job\.json"):
        agree_on_job(EmbeddingShard(1, 0).folder(tmp_path), JOB)

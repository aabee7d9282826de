"""Claim: a damaged or hostile cache, CSV or file of pairs is refused or rebuilt, never trusted.

A returned row must be the vector that was stored for exactly that picture.

    python benchmarks/soak/fuzz_caches.py                 10,000 files
    python benchmarks/soak/fuzz_caches.py --cases 200     a short run
    python benchmarks/soak/fuzz_caches.py --case 17       a single case, with its traceback
"""

import io
import json
import os
import random
import shutil
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from fuzzing import Fuzzer, main
from mutations import HOSTILE, as_json, spoilt, spoilt_tree
from pyarrow import parquet
from torch import Tensor

from ddpm_clip.data.cache.card import CacheCard
from ddpm_clip.data.cache.embeddings import EmbeddingCache
from ddpm_clip.data.cache.parts import Done as Finished
from ddpm_clip.data.cache.parts import Job, agree_on_job, read_done, write_done
from ddpm_clip.data.csv_exchange.embedding_csv import read_csv, write_csv
from ddpm_clip.data.csv_exchange.embedding_pairs import read_pairs
from ddpm_clip.data.pictures.pixels import BadFile
from ddpm_clip.utils.tensors import load_tensors

DIM, ROWS = 8, 12
OPTIONS = {
    "embedder_name": "mini_clip",
    "fingerprint": "f" * 16,
    "dim": DIM,
    "preprocessing": "centre 8x8x3 white",
}


@dataclass
class Corpus:
    """A good cache with its content; a good CSV, file of pairs and part of a job."""

    cache: Path
    keys: list[str]
    digests: list[str]
    rows: Tensor
    csv: bytes
    pairs: bytes
    job: Job
    part: Path


def prepare(home: Path) -> Corpus:
    """Create one of each."""
    rows = torch.nn.functional.normalize(torch.randn(ROWS, DIM), dim=1).half()
    keys = [f"a/{i}.png" for i in range(ROWS)]
    digests = [f"{i:064x}" for i in range(ROWS)]
    cache = EmbeddingCache.open_or_create(home / "good", **OPTIONS)
    cache.append(keys[:5], digests[:5], rows[:5].float())
    cache.settle()
    cache.append(keys[5:], digests[5:], rows[5:].float())  # a table not yet merged
    write_csv(home / "good.csv", keys, rows.float())
    pairs = io.BytesIO()
    np.savez(pairs, image=rows.float().numpy(), text=rows.float().numpy())
    job = Job.of(keys, 4, CacheCard("mini_clip", "f" * 16, DIM, "centre"))
    (home / "part").mkdir()
    agree_on_job(home / "part", job)
    write_done(home / "part", Finished([*digests[:-1], None], [BadFile("k", "damaged", "")]))
    csv = (home / "good.csv").read_bytes()
    return Corpus(
        home / "good", keys, digests, rows.float(), csv, pairs.getvalue(), job, home / "part"
    )


def attempt(rng: random.Random, corpus: Corpus, home: Path) -> str:
    """Corrupt one file, and read it."""
    return rng.choice((_cache, _cache, _cache, _csv, _pairs, _part))(rng, corpus, home)


def _cache(rng: random.Random, corpus: Corpus, home: Path) -> str:
    folder = home / "bad"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(corpus.cache, folder)
    path = rng.choice(sorted(folder.iterdir()))
    if rng.random() < 0.02:
        path.unlink()
        rng.choice(
            (
                lambda: os.mkfifo(path),
                path.mkdir,
                lambda: path.symlink_to("/dev/zero"),
                lambda: path.symlink_to(path),
            )
        )()
    elif path.suffix == ".json" and rng.random() < 0.7:
        path.write_bytes(as_json(spoilt_tree(json.loads(path.read_bytes()), rng), rng))
    elif path.suffix == ".parquet" and rng.random() < 0.6:
        _rewritten(path, rng)
    elif path.suffix == ".safetensors" and rng.random() < 0.5:
        _reheaded(path, rng)
    else:
        others = [one.read_bytes() for one in folder.iterdir()]
        path.write_bytes(spoilt(path.read_bytes(), rng, others))
    cache = EmbeddingCache.open_or_create(folder, **OPTIONS)
    absent = set(cache.missing(corpus.keys, corpus.digests))
    there = [i for i in range(ROWS) if i not in absent]
    found = cache.lookup([corpus.keys[i] for i in there], [corpus.digests[i] for i in there])
    assert found.shape == (len(there), DIM)
    right = bool((found == corpus.rows[there]).all())
    # whoever rewrites the table can change what it says; a damaged file must not give wrong rows
    assert right or path.suffix == ".parquet", "a wrong vector was returned"
    return "whole" if not absent else "in part"


def _rewritten(path: Path, rng: random.Random) -> None:
    """Rewrite a table validly, with other content."""
    table = parquet.read_table(path)
    name = rng.choice(table.column_names)
    values = table[name].to_pylist()
    what = rng.random()
    if what < 0.2:
        table = table.drop([name])
    elif what < 0.4:
        table = pa.concat_tables([table] * rng.choice((2, 500)))
    elif what < 0.7:
        values[rng.randrange(len(values))] = rng.choice(
            (None, -1, 2**40, "shard-99999.safetensors", "../../x", b"\xff", 3.5)
        )
        try:
            table = table.drop([name]).append_column(name, pa.array(values))
        except (pa.ArrowException, TypeError, OverflowError):
            table = table.slice(0, 1)
    else:
        bad = rng.choice(HOSTILE)
        count = rng.choice((1, len(values), 300_000))
        kinds = (pa.string(), pa.int64(), pa.binary(), pa.float32(), pa.null())
        try:  # one value repeated: small on disk, gigabytes once it is read
            one, places = pa.array([bad], rng.choice(kinds)), pa.array([0] * count, pa.int32())
            column = pa.DictionaryArray.from_arrays(places, one.drop_null())
        except (pa.ArrowException, TypeError, OverflowError, ValueError):
            column = pa.nulls(count)
        others = {other: table[other] for other in table.column_names if len(table) == count}
        table = pa.table({**others, name: column})
    parquet.write_table(
        table,
        path,
        store_schema=rng.random() < 0.5,
        compression=rng.choice(("snappy", "snappy", "none", "zstd")),
    )


def _reheaded(path: Path, rng: random.Random) -> None:
    """Rewrite the header of a safetensors file."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = as_json(spoilt_tree(json.loads(data[8 : 8 + size]), rng), rng)
    path.write_bytes(struct.pack("<Q", len(header)) + header + data[8 + size :])
    with suppress(ValueError):
        load_tensors(path)


def _csv(rng: random.Random, corpus: Corpus, home: Path) -> str:
    path = home / "bad.csv"
    lines = corpus.csv.decode().splitlines()
    what = rng.random()
    if what < 0.4:
        cells = lines[rng.randrange(len(lines))].split(",")
        cells[rng.randrange(len(cells))] = str(rng.choice(HOSTILE))
        lines[rng.randrange(len(lines))] = ",".join(cells)
        path.write_bytes("\n".join(lines).encode("utf-8", "replace"))
    elif what < 0.45:
        path.write_bytes(
            rng.choice(
                (
                    b'"' * 300_001,
                    b"a," * 600_000,
                    b"x" * 3_000_000,
                    b"\0,1,2",
                    b"a,1\r\n" * 9,
                    b"path\n",
                    b'"a\nb",1,2\n',
                )
            )
        )
    else:
        path.write_bytes(spoilt(corpus.csv, rng))
    table = read_csv(path)
    assert len(table.keys) == len(table.embeddings)
    assert bool(table.embeddings.isfinite().all())
    return "whole"


def _pairs(rng: random.Random, corpus: Corpus, home: Path) -> str:
    path = home / "bad.npz"
    data: bytes = spoilt(corpus.pairs, rng)
    if rng.random() < 0.3:
        out = io.BytesIO()
        arrays: dict[str, Any] = {
            "image": rng.choice(
                (
                    np.zeros((3, 4)),
                    np.zeros(3),
                    np.array(["a", "b"]),
                    np.zeros((0, 4)),
                    np.full((2, 2), np.nan),
                    np.zeros((2, 2), complex),
                    np.array([set()], object),
                )
            ),
            "text": np.zeros((3, 4)),
        }
        np.savez_compressed(out, **arrays)
        data = out.getvalue()
    path.write_bytes(data)
    image, text = read_pairs(path)
    assert image.shape == text.shape
    return "whole"


def _part(rng: random.Random, corpus: Corpus, home: Path) -> str:
    folder = home / "badpart"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(corpus.part, folder)
    path = rng.choice(sorted(folder.iterdir()))
    if rng.random() < 0.6:
        path.write_bytes(as_json(spoilt_tree(json.loads(path.read_bytes()), rng), rng))
    else:
        path.write_bytes(spoilt(path.read_bytes(), rng))
    agree_on_job(folder, corpus.job)
    done = read_done(folder, range(ROWS))
    assert done is None or len(done.digests) == ROWS
    return "not done" if done is None else "whole"


if __name__ == "__main__":
    main(Fuzzer("fuzz_caches", "caches", prepare, attempt))

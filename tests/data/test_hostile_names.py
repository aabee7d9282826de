"""Names that files can have, and names that none can: nothing is lost, mixed up, or led astray."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from ddpm_clip.data.csv_exchange.embedding_csv import read_csv
from ddpm_clip.data.csv_exchange.embedding_pairs import read_pairs
from ddpm_clip.data.pictures.pixels import load_pixels, scan
from ddpm_clip.data.sources import open_source
from ddpm_clip.errors import DdpmClipError
from ddpm_clip.runs.pretrained import load
from ddpm_clip.runs.run import Run
from ddpm_clip.utils.generators import finish

IMPOSSIBLE = [
    "a" * 10_000, "x/" * 3000 + "y", "nul\0x", "\ud800", "~nobody-of-this-name/x", "npz:nul\0",
    "folder:" + "a" * 10_000, "npz:" + "a" * 300, "drawn-flowers:" + "9" * 5000,
    "wds:{0..99999999}.tar", "wds:" + "{a,b}" * 30, "/dev/zero", "../" * 60 + "nothing",
]  # fmt: skip


@pytest.mark.parametrize("name", IMPOSSIBLE, ids=lambda name: ascii(name[:20]))
def test_a_name_that_leads_nowhere_is_an_error_of_a_few_words(name):
    for read in (open_source, load, read_csv, read_pairs):
        with pytest.raises(DdpmClipError) as refused:
            read(name)
        assert len(str(refused.value)) < 2000


NAMES = [
    "é.png",
    "e\u0301.png",
    "a\nb.png",
    "-n.png",
    "😀.png",
    "\x1b[31m.png",
    "A.png",
    "a.png",
    "a.b.png",
    "a\\b.png",
    " .png",
    "x" * 250 + ".png",
    "a'\"$(id).png",
    "\u202egnp.png",
]


def shade(path, value):
    Image.fromarray(np.full((4, 4), value, np.uint8)).save(path, "PNG")


def test_every_name_that_a_file_can_have_is_read_and_none_is_mixed_up(tmp_path):
    wanted = {}
    for value, name in enumerate(NAMES):
        shade(os.fsencode(tmp_path / name).decode("utf-8", "surrogateescape"), value)
        wanted[name.replace("\\", "\\\\")] = value
    raw = os.fsencode(tmp_path) + b"/\xff\xfe.png"  # no UTF-8
    shade(os.fsdecode(raw), 99)
    wanted["\\xff\\xfe.png"] = 99
    pixels = load_pixels(open_source(tmp_path), size=4, channels=1)
    assert {key: int(pixels.array[row].max()) for row, key in enumerate(pixels.keys)} == wanted
    for key in pixels.keys:
        key.encode()


def test_captions_go_to_their_own_pictures_and_climb_nowhere(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret")
    folder = tmp_path / "pictures"
    folder.mkdir()
    for value, name in enumerate(("0.png", "1.png", "2.png")):
        shade(folder / name, value)
    lines = [
        {"file_name": "../secret.txt", "text": "outside"},
        {"file_name": "nul\0", "text": "z"},
        {"file_name": "1.png", "text": "half \ud800"},
        {"file_name": "a" * 9999, "text": "y"},
        {"file_name": "/etc/passwd", "text": "x"},
        {"file_name": "0.png", "text": ["no text"]},
    ]
    (folder / "metadata.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    (folder / "2.txt").symlink_to(secret)
    source = open_source(folder)
    told = {source.key(i): source.caption(i) for i in range(len(source))}
    assert told == {"0.png": None, "1.png": "half ?", "2.png": None}


def test_a_line_of_captions_that_is_nested_too_deeply_is_named(tmp_path):
    shade(tmp_path / "0.png", 0)
    (tmp_path / "metadata.jsonl").write_text('{"file_name": ' + "[" * 50_000)
    with pytest.raises(DdpmClipError, match="line 1"):
        open_source(tmp_path)


def test_links_pipes_and_folders_among_pictures_are_left_out_and_named(tmp_path):
    outside = tmp_path / "outside.png"
    shade(outside, 7)
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(12):
        shade(folder / f"good{i}.png", i)
    (folder / "out.png").symlink_to(outside)
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "zero.png").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.png")
    bad = finish(scan(open_source(folder), max_bad=0.5))
    reasons = {file.key: file.reason for file in bad}
    assert reasons.keys() == {"out.png", "loop.png", "zero.png", "pipe.png"}
    assert set(reasons.values()) <= {"outside", "not-a-file", "missing", "unreadable"}


def test_what_a_model_says_of_itself_cannot_steer_a_terminal(cli, tmp_path):
    import shutil

    from ddpm_clip.runs.pretrained import find

    shutil.copytree(find("digits"), tmp_path / "m")
    card = tmp_path / "m" / "config.json"
    facts = json.loads(card.read_text())
    facts |= {"name": "\x1b[2Jevil", "classes": ["\x1b]0;x\x07"], "card": {"by": "\x9b31m"}}
    card.write_text(json.dumps(facts))
    shown = cli("show", tmp_path / "m")
    assert shown.code == 0
    assert not any(mark in shown.out for mark in ("\x1b", "\x07", "\x9b"))
    del facts["config"]["data"], facts["config"]["model"]
    card.write_text(json.dumps(facts))
    assert cli("show", tmp_path / "m").code in (0, 2, 65)


@pytest.mark.slow
def test_a_model_does_not_say_where_to_look_on_this_machine(tmp_path):
    import shutil

    from ddpm_clip.runs.pretrained import find

    shutil.copytree(find("digits"), tmp_path / "m")
    shutil.rmtree(tmp_path / "m" / "embedder")
    card = tmp_path / "m" / "config.json"
    facts = json.loads(card.read_text())
    for path in ("/etc/secret", "../../secret", "~/secret"):
        facts["config"]["embedder"]["model"] = facts["config"]["data"]["source"] = path
        card.write_text(json.dumps(facts))
        config = load(tmp_path / "m", "cpu").config
        assert (config.embedder.model, config.data.source) == ("secret", "secret")


def test_packing_a_run_copies_no_link(tmp_path):
    from ddpm_clip.runs.packing import _copy_own

    secret, out = tmp_path / "secret.json", tmp_path / "out"
    secret.write_text("{}")
    out.mkdir()
    run = Run(tmp_path / "run", None)
    (run.folder / "embedder").mkdir(parents=True)
    (run.folder / "embedder" / "mini_clip.json").write_text("{}")
    (run.folder / "embedder" / "link.json").symlink_to(secret)
    (run.folder / "embedder" / "x.py").write_text("")
    (run.folder / "bridge.json").symlink_to(secret)
    _copy_own([run.folder / "bridge.json", *(run.folder / "embedder").iterdir()], run.folder, out)
    copied = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert copied == {"embedder/mini_clip.json"}

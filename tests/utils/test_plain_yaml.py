"""YAML within limits: bombs are counted before they are built, and there is one class of error."""

import time
from itertools import pairwise

import pytest

from ddpm_clip.config.resolve import read_yaml
from ddpm_clip.errors import ConfigError, MissingInput
from ddpm_clip.utils.plain_yaml import MAX_TEXT, parse_yaml

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in pairwise("abcdefghi")
)
BAD = {
    "laughs": LAUGHS, "itself": "&a [*a]", "nothing": "*x", "deep": "[" * 3000,
    "tag": "!!python/name:os.system", "apply": "!!python/object/apply:os.system [id]",
    "long": "#" * (MAX_TEXT + 1), "float": "!!float _", "int": "!!int x", "bool": "!!bool x",
    "time": "!!timestamp 5", "date": "2001-99-99", "nul": "\0", "digits": "9" * 5000,
    "key": "? [a]\n: b", "many": "- a\n" * 30_000, "half": "\ud800", "two": "--- a\n--- b\n",
    "merge": "&a a: 1\n<<: [*a]", "hex": "data.source: 0x" + "f" * 200_000,
    "bits": "[0b" + "1" * 200_000 + "]", "sixties": "a: 1" + ":1" * 120_000,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD)
def test_what_is_no_small_plain_yaml_is_a_value_error_at_once(name):
    start = time.process_time()
    with pytest.raises(ValueError, match=r"."):
        parse_yaml(BAD[name])
    assert time.process_time() - start < 5


def test_anchors_that_mean_little_are_read():
    assert parse_yaml("a: &x {b: 1}\nc: *x\nd: *x") == {"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1}}


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD)
def test_a_config_file_of_that_kind_is_a_config_error_of_a_few_lines(name, tmp_path):
    (tmp_path / "c.yaml").write_text(BAD[name], encoding="utf-8", errors="surrogatepass")
    with pytest.raises(ConfigError) as refused:
        read_yaml(tmp_path / "c.yaml")
    assert len(str(refused.value)) < 1500


def test_a_config_that_cannot_be_a_file_is_missing_and_named_in_few_words(tmp_path):
    for name in ("a" * 10_000, "none.yaml", "/dev/zero"):
        with pytest.raises(MissingInput) as refused:
            read_yaml(tmp_path / name)
        assert len(str(refused.value)) < 1000

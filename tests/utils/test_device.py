"""Names of devices and number types are read as they are meant."""

from pathlib import Path

import pytest
import torch

from ddpm_clip.utils.device import has_fast_bfloat16, pick_device, pick_dtype


def test_a_named_device_is_taken_as_it_is():
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("cuda:1") == torch.device("cuda", 1)


def test_auto_takes_the_cpu_where_there_is_nothing_else():
    if not torch.cuda.is_available() and not torch.backends.mps.is_available():
        assert pick_device() == torch.device("cpu")
    assert pick_device().type in ("cpu", "cuda", "mps")


def test_auto_takes_bfloat16_only_where_it_is_fast():
    cpu = torch.device("cpu")
    assert pick_dtype("auto", cpu) == (torch.bfloat16 if has_fast_bfloat16(cpu) else torch.float32)
    assert pick_dtype("float32", cpu) == torch.float32
    assert pick_dtype("bfloat16", cpu) == torch.bfloat16


def test_an_avx512_processor_without_bfloat16_units_does_not_emulate_them(monkeypatch):
    for units in (False, True):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda units=units: units)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
        monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
        assert has_fast_bfloat16(torch.device("cpu")) == units


@pytest.mark.skipif(not Path("/proc/cpuinfo").is_file(), reason="no /proc/cpuinfo")
def test_what_the_processor_says_of_itself_decides():
    words = Path("/proc/cpuinfo").read_text().split()
    if not {"avx512_bf16", "amx_bf16"} & set(words):
        assert not has_fast_bfloat16(torch.device("cpu"))

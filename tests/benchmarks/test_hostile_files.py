"""Short versions of the fuzzers, and of the hostile files through every entry point."""

import random
import warnings

import pytest

CASES = {
    "fuzz_images": 40,
    "fuzz_configs": 20,
    "fuzz_metadata": 40,
    "fuzz_caches": 30,
    "fuzz_models": 20,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_spoilt_file_is_used_or_refused_and_nothing_else(soak, name, tmp_path):
    fuzzing, program = soak("fuzzing"), soak(name)
    fuzzer = fuzzing.Fuzzer(name, "files", program.prepare, program.attempt)
    prepared = program.prepare(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcomes = [fuzzing._case(fuzzer, prepared, tmp_path, i) for i in range(CASES[name])]
    assert [one for one in outcomes if one.startswith("crash")] == []
    assert len(set(outcomes)) >= 2, "some are used, some are refused"


def test_what_a_fuzzer_counts_as_a_crash_is_one(soak, tmp_path):
    def attempt(rng, prepared, home):
        raise KeyError("mine")

    fuzzing = soak("fuzzing")
    fuzzer = fuzzing.Fuzzer("x", "files", lambda home: None, attempt)
    assert fuzzing._case(fuzzer, None, tmp_path, 0).startswith("crash KeyError")


@pytest.fixture
def goods(soak, tmp_path):
    malicious = soak("malicious")
    canaries = tmp_path / "canaries"
    canaries.mkdir()
    return (
        malicious,
        malicious.Goods(tmp_path),
        soak("payloads").blobs(canaries / "canary"),
        canaries,
    )


@pytest.mark.slow
def test_there_are_sixty_hostile_files_and_more_and_the_control_hears_pickles(goods):
    malicious, _, blobs, canaries = goods
    assert len(blobs) >= 60
    for name in ("os.system.pkl", "open.pkl"):
        assert malicious.control(blobs[name], canaries)
    assert not malicious.control(blobs["svg.png"], canaries)


@pytest.mark.slow
def test_nothing_is_run_whichever_door_a_hostile_file_comes_by(goods, tmp_path, monkeypatch):
    malicious, things, blobs, canaries = goods
    if not getattr(malicious, "installed", False):
        malicious.listen()
        malicious.installed = True
    monkeypatch.setattr("entry_points.import_legacy", lambda *_: None)  # has tests of its own
    place = tmp_path / "place"
    place.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = blobs["os.system.pkl"]
        found = malicious.tried("os.system.pkl", data, things, place, canaries, every=4)
    assert found["doors"] > 20
    assert found["executed"] == []
    assert found["crashes"] == []


@pytest.mark.slow
def test_the_hook_hears_what_a_program_does(goods, tmp_path):
    import os

    malicious = goods[0]
    if not getattr(malicious, "installed", False):
        malicious.listen()
        malicious.installed = True
    with malicious.heard() as events:
        os.system("true")
    assert any("os.system" in event for event in events)


def test_mutations_follow_from_the_seed(soak):
    mutations = soak("mutations")
    data, tree = bytes(range(256)) * 4, {"a": [1, {"b": 2}], "c": "x"}
    for i in range(50):
        one, two = (mutations.spoilt(data, random.Random(i)) for _ in range(2))
        assert one == two
        trees = [repr(mutations.spoilt_tree(tree, random.Random(i))) for _ in range(2)]
        assert trees[0] == trees[1]
    assert sum(mutations.spoilt(data, random.Random(i)) != data for i in range(50)) > 45
    assert tree == {"a": [1, {"b": 2}], "c": "x"}, "the original stays"

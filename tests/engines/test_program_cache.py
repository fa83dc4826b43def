"""Compiled programs on the disk: what comes back is what was kept, and no damage is anybody's trouble."""

import os

import pytest

from hornbeam import config
from hornbeam.config import programs_folder
from hornbeam.engines.jax.program_cache import ProgramCache, keep_programs

VARIABLE = "HORNBEAM_PROGRAM_CACHE"


@pytest.fixture
def cache(tmp_path):
    return ProgramCache(tmp_path / "programs", most_bytes=1000)


def files(cache):
    return sorted(os.listdir(cache.folder))


def test_what_is_kept_comes_back(cache):
    assert cache.get("jit_step-1") is None
    cache.put("jit_step-1", b"program")
    assert cache.get("jit_step-1") == b"program"
    assert cache.get("jit_step-2") is None
    cache.put("jit_step-1", b"another")
    assert cache.get("jit_step-1") == b"another"
    assert len(files(cache)) == 1
    assert os.stat(cache.folder).st_mode & 0o077 == 0 or os.name == "nt"


@pytest.mark.parametrize(
    "damage", [lambda d: d[:-1], lambda d: b"", lambda d: d[:5] + b"?" + d[6:], lambda d: d + b"0"],
    ids=["cut", "empty", "flipped", "longer"],
)  # fmt: skip
def test_a_damaged_program_is_none_and_goes(cache, damage):
    cache.put("key", b"program")
    (name,) = files(cache)
    (cache.folder / name).write_bytes(damage((cache.folder / name).read_bytes()))
    assert cache.get("key") is None
    assert files(cache) == []


def test_what_was_not_used_for_longest_goes_first(cache):
    for i in range(3):
        cache.put(str(i), bytes(300))
        os.utime(cache._file(str(i)), (i, i))
    assert cache.get("0") is not None  # used just now
    cache.put("3", bytes(300))
    assert [cache.get(str(i)) is not None for i in range(4)] == [True, False, True, True]


def test_a_folder_that_cannot_be_written_is_let_be(tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = ProgramCache(tmp_path / "file" / "programs")
    cache.put("key", b"program")
    assert cache.get("key") is None


def test_which_folder(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert programs_folder() == tmp_path
    monkeypatch.setenv(VARIABLE, "off")
    assert programs_folder() is None
    assert keep_programs() is None
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr(config.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert programs_folder() == tmp_path / "hornbeam" / "programs"
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "own"))
    assert keep_programs() is None  # the user has chosen


def test_a_second_process_takes_the_first_ones_program(run_python, tmp_path):
    """The second finds what the first compiled, computes the same bits, and keeps nothing new."""
    source = """
        import numpy as np
        from hornbeam.engines.jax import program_cache
        import jax
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        import hornbeam
        from hornbeam.layers import Dense
        hornbeam.utils.set_random_seed(0)
        found = []
        get = program_cache.ProgramCache.get
        program_cache.ProgramCache.get = lambda self, key: found.append(get(self, key)) or found[-1]
        x = np.random.rand(20, 4).astype("float32")
        model = hornbeam.Sequential([Dense(3, activation="tanh", input_shape=(4,)), Dense(1)])
        model.compile("sgd", "mse")
        model.fit(x, x[:, :1], verbose=0, epochs=2)
        print(sum(f is None for f in found), sum(f is not None for f in found), model.get_weights()[0].tobytes().hex())
    """
    environment = {VARIABLE: str(tmp_path)}
    first, second = (run_python(source, **environment).split() for _ in range(2))
    assert int(first[0]) > 0
    assert (second[0], int(second[1])) == ("0", int(first[0]) + int(first[1]))
    assert second[2] == first[2]
    assert len(os.listdir(tmp_path)) == int(first[0])

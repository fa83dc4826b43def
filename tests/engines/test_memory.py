"""What the allocator keeps, and what it gives back after a compilation."""

import ctypes

import numpy as np
import psutil
import pytest

from hornbeam import backend as K
from hornbeam.engines.jax import memory

tuned = pytest.mark.skipif(memory._function("mallinfo2") is None, reason="an allocator without these functions")


def resident():
    return psutil.Process().memory_info().rss


@tuned
def test_much_free_memory_is_given_back_after_a_compilation():
    blocks = [np.ones(80 << 20, "uint8") for _ in range(5)]
    pinned = np.ones(1000)  # the blocks are no longer the end of the heap
    del blocks
    before = resident()
    K.engine.compile_function(lambda x: x * 3 + 1)(pinned)
    assert before - resident() > 200 << 20


@tuned
def test_little_is_kept():
    memory.give_back()
    assert not memory.give_back()  # whatever else the process holds is not taken for free memory again and again


def test_after_a_long_compilation_less_is_worth_giving_back():
    assert memory.least_after(memory.LONG_S) < memory.least_after(memory.LONG_S / 2) == memory.LEAST_BYTES_GIVEN_BACK


def test_a_program_compiled_ahead_is_not_compiled_again():
    program = K.engine.compile_function(lambda state, data: (state + K.sum(data["x"]), data["x"]), donate=(0,))
    data = {"x": np.ones((3, 5), "float32")}
    K.engine.compile_ahead(program, K.engine.own(np.float32(1)), data)
    before = len(K.engine.compilations())
    state, _ = program(K.engine.own(np.float32(1)), {"x": K.engine.to_device(data["x"])})
    assert float(state) == 16
    assert K.engine.compilations()[before:] == []


@tuned
def test_free_memory_is_joined_again():
    """A block at a multiple of 64 bytes, as programs ask for it, mostly finds its place again between others."""
    libc = ctypes.CDLL(None)
    for name in ("malloc", "memalign"):
        getattr(libc, name).restype = ctypes.c_void_p
    libc.malloc.argtypes, libc.memalign.argtypes = [ctypes.c_size_t], [ctypes.c_size_t] * 2
    libc.free.argtypes = [ctypes.c_void_p]
    size, held, found_again = 256 << 20, [], 0
    for _ in range(10):
        held += [libc.malloc(n) for n in range(24, 120, 16) for _ in range(8)]  # nothing small lies ready
        first = libc.memalign(64, size)
        held.append(libc.malloc(1_000_000))  # behind it
        libc.free(first)
        memory.join_free()
        second = libc.memalign(64, size)
        libc.free(second)
        found_again += second == first
    for block in held:
        libc.free(block)
    assert found_again >= 7  # none to two without; what else this process does in between is not known


def test_an_allocator_that_we_are_told_to_leave_alone_is_left_alone(monkeypatch):
    monkeypatch.setenv("HORNBEAM_KEEP_MALLOC", "1")
    assert not memory.tune_allocator()
    assert not memory.give_back()

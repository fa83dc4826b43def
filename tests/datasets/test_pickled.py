"""Pickles read without running them: everything plain comes back, everything else is refused and never happens."""

import datetime
import functools
import os
import pickle
import random
import struct

import numpy as np
import pytest

from hornbeam.datasets.pickled import read_pickled

RAGGED = np.empty(3, object)
RAGGED[:] = [[1, 256, -70000], [], [7] * 3000]
SHARED = np.arange(5, dtype=">i2")

PLAIN = [
    [0, 255, 256, 65535, 65536, -1, 2**31 - 1, -(2**31), 2**40, -(2**70), 10**700],
    ["", "é", "\ud800", "x" * 300, b"", b"\xff" * 300],
    [None, True, False, 1.5, float("inf")],
    (1, (2, 3), (4, 5, 6), (7, 8, 9, 10), ()),
    {"a": [1], b"b": {2: {}}, 3: ("x",)},
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN, ids=range(len(PLAIN)))
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_data_comes_back(value, protocol):
    assert read_pickled(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", ">i2", "<i8", "float16", "float64", "bool"])
def test_arrays_come_back(dtype, protocol):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    for given in (array, np.asfortranarray(array), array[:, :0]):
        found = read_pickled(pickle.dumps(given, protocol))
        assert found.tolist() == given.tolist()
        assert found.dtype == given.dtype
        assert found.shape == given.shape


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_ragged_arrays_come_back(protocol):
    found = read_pickled(pickle.dumps(RAGGED, protocol))
    assert found.dtype == object
    assert found.tolist() == RAGGED.tolist()


def test_what_is_shared_is_finished_everywhere():
    one, two, three = read_pickled(pickle.dumps([SHARED, SHARED, SHARED[1:]], 3))
    assert one is two
    assert three.tolist() == [1, 2, 3, 4]


class Call:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Plain:
    pass


@pytest.mark.parametrize(
    "value",
    [
        Call(os.mkdir, "run"), Call(eval, "1"), Call(getattr, 1, "real"), Call(np.load, "x"), Call(bytearray, 9),
        Call(functools.partial, os.mkdir, "run"), Plain(), os.mkdir, Plain, datetime.date(2020, 1, 1), {1, 2}, 1j,
        np.array(["text"]), np.array([1], "M8[s]"), np.zeros(2, "i4,f8"), np.float64(1),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
@pytest.mark.parametrize("protocol", [2, 4])
def test_nothing_is_called(value, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="damaged or holds more than plain data"):
        read_pickled(pickle.dumps([value], protocol))
    assert not os.listdir(tmp_path)


def test_old_opcodes_that_make_objects_are_refused():
    for content in (b"(S'run'\nios\nmkdir\n.", b"cos\nmkdir\n(S'run'\ntR.", b"\x82\x01.", b"P1\n.", b"(cos\nmkdir\no."):
        with pytest.raises(ValueError, match="damaged or holds more than plain data"):
            read_pickled(content)


def pushed(text):
    return b"X" + struct.pack("<I", len(text)) + text


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85C\1b\x87R"
HOSTILE = {
    # A list of a thousand items, kept and unpacked into one array after the other.
    "copied again and again": b"\x80\x02](" + b"N" * 1000 + b"eq\0"
    + (ARRAY + b"(K\1M\xe8\x03\x85cnumpy\ndtype\nC\2O8\x85Rh\0tb") * 900 + b".",
    "encoded again and again": b"\x80\x02" + pushed(b"x" * 9000) + b"q\0"
    + b"c_codecs\nencode\nh\0" + pushed(b"latin1") + b"\x86R" + b"c_codecs\nencode\nh\0" + pushed(b"latin1") + b"\x86R"
    + b".",
    "a size that is not there": b"\x80\x04\x8e" + b"\xff" * 8 + b"x.",
    "a shape that is not there": b"\x80\x02" + ARRAY + b"(K\1J\xff\xff\xff\x7f\x85cnumpy\ndtype\nC\2f8\x85R\x89C\x08"
    + bytes(8) + b"tb.",
    "a key that takes forever to hash": b"\x80\x02})q\0" + b"h\0h\0\x86q\0" * 60 + b"Ns.",
    "a key that cannot be hashed": b"\x80\x02}]Ns.",
    "nothing to pop": b"\x80\x02e.",
    "no mark": b"\x80\x02]e.",
    "no memory": b"\x80\x02h\7.",
    "no end": b"\x80\x02K\1",
    "no content": b"",
    "half a number": b"\x80\x02M\1",
    "state for a list": b"\x80\x02]Nb.",
    "items for a dict": b"\x80\x02}Na.",
    "a name that is no text": b"\x80\x04K\1K\1\x93.",
    "a call of a number": b"\x80\x02K\1)R.",
    "a dtype out of a file's words": b"\x80\x02cnumpy\ndtype\nC\x05V9999\x85R.",
}  # fmt: skip


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_pickles(content):
    with pytest.raises(ValueError, match="damaged or holds more than plain data"):
        read_pickled(content)


def test_damaged_pickles_are_read_or_refused_but_never_fail_otherwise():
    whole = pickle.dumps({"x": RAGGED[:2], "y": SHARED, "t": (1, "é", 2.5)}, 2)
    generator = random.Random(5)
    refused = 0
    for _ in range(3000):
        damaged = bytearray(whole)
        for _ in range(generator.randint(1, 3)):
            damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        try:
            read_pickled(bytes(damaged))
        except ValueError:
            refused += 1
    assert refused > 1000

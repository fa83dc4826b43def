"""Mutants of good files: flipped bits, cuts, splices, and numbers replaced by those that break programs."""

import random
import struct

# Lengths and counts that were too much for somebody.
NUMBERS = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 32, (1 << 32) + 8,
           (1 << 62), (1 << 63) - 1, 1 << 63, (1 << 64) - 1]  # fmt: skip


def _flip(data, draw):
    for _ in range(draw.choice((1, 1, 1, 2, 5, 20))):
        at = draw.randrange(len(data))
        data[at] ^= 1 << draw.randrange(8)
    return data


def _byte(data, draw):
    for _ in range(draw.choice((1, 2, 8))):
        data[draw.randrange(len(data))] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
    return data


def _number(data, draw):
    for _ in range(draw.choice((1, 1, 3))):
        form = draw.choice("<H <I <Q >I".split())
        value = draw.choice(NUMBERS) & ((1 << 8 * struct.calcsize(form)) - 1)
        at = draw.randrange(max(1, len(data) - 8))
        if len(data) >= at + 8:
            struct.pack_into(form, data, at, value)
    return data


def _cut(data, draw):
    return data[: draw.randrange(len(data))]


def _remove(data, draw):
    at = draw.randrange(len(data))
    del data[at : at + draw.choice((1, 2, 8, 100))]
    return data


def _insert(data, draw):
    at = draw.randrange(len(data))
    data[at:at] = bytes(draw.choice((1, 2, 8, 100, 4096)))
    return data


def _splice(data, draw):
    size = draw.choice((4, 16, 64, 512))
    source, target = draw.randrange(len(data)), draw.randrange(len(data))
    data[target : target + size] = data[source : source + size]
    return data


def _double(data, draw):
    return data + data[draw.randrange(len(data)) :]


MUTATIONS = (_flip, _flip, _flip, _byte, _number, _number, _number, _cut, _remove, _insert, _splice, _double)


def mutant(data, seed):
    """Mutant number `seed` of the bytes `data`: the same today and tomorrow.

    Example:
        >>> mutant(b"abc", 1) == mutant(b"abc", 1)
        True
    """
    draw = random.Random(seed)
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2))):
        changed = draw.choice(MUTATIONS)(changed, draw) or bytearray(b"\0")
    return bytes(changed)

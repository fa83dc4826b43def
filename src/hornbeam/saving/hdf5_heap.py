"""How long the texts of an HDF5 attribute are, and whether their heap is sound, found before HDF5 makes them.

An attribute may hold texts of variable length: each a length and a place in the file's heap. Thousands of them may name
one place of megabytes, which HDF5 would copy for each; it has no function that says beforehand how much that is; and in
a heap with an entry of no size it walks for ever. So the few bytes of the attribute itself are looked up in its
object's header, and those of the heap's entries, by the published form of the files.
"""

import struct

_MOST_BLOCKS = 10_000
_MOST_HEADER_BYTES = 64 << 20
_CONTINUATION, _ATTRIBUTE = 0x10, 0x0C
_VARIABLE_LENGTH = 9
_MOST_HEAP_BYTES = 1 << 32
_ENTRY_BYTES = 16  # number (2), references (2), nothing (4), length (8)
_ELEMENT_BYTES = 16  # length (4), place of the heap (8), number in it (4)


class DamagedHeap(Exception):
    """A heap that HDF5 would not come out of."""


def text_lengths(read_at, address, name):
    """Lengths in bytes of the texts in one attribute, or None where they cannot be found.

    Args:
        read_at: function of (offset, count) that gives bytes of the file, fewer at its end.
        address: where the object's header begins.
        name: the attribute, as bytes.

    Raises:
        DamagedHeap: the heap they lie in is not sound.
    """
    try:
        found = [_texts_in(data, name) for data in _attribute_messages(read_at, address)]
    except (struct.error, IndexError, ValueError):
        return None
    found = [texts for texts in found if texts is not None]
    for heap in {heap for texts in found for length, heap in texts if length}:
        _check_heap(read_at, heap)
    lengths = [[length for length, _ in texts] for texts in found]
    return max(lengths, key=sum) if lengths else None


def _check_heap(read_at, address):
    """Walk a collection of the heap as HDF5 will; every entry must lead on, and the last to the end."""
    head = read_at(address, 16)
    size = int.from_bytes(head[8:], "little")
    if head[:5] != b"GCOL\x01" or not 16 < size <= _MOST_HEAP_BYTES:
        raise DamagedHeap("the attribute's texts do not lie in a heap")
    at, end = address + 16, address + size
    while at + _ENTRY_BYTES <= end:
        entry = read_at(at, _ENTRY_BYTES)
        if len(entry) < _ENTRY_BYTES:
            raise DamagedHeap("the heap of the attribute's texts ends behind the end of the file")
        number, _, _, length = struct.unpack("<HHIQ", entry)
        step = length if number == 0 else _ENTRY_BYTES + length + -length % 8
        if step < _ENTRY_BYTES or at + step > end:
            raise DamagedHeap("the heap of the attribute's texts is damaged")
        at += step


def _attribute_messages(read_at, address):
    if not _has_wide_numbers(read_at):
        raise ValueError("offsets of another width than 8 bytes")
    start = read_at(address, 16)
    walk = _messages_2 if start[:4] == b"OHDR" else _messages_1
    yield from walk(read_at, address, start)


def _has_wide_numbers(read_at):
    block = read_at(0, 16)
    return (block[13:15] if block[8] < 2 else block[9:11]) == b"\x08\x08"


def _messages_1(read_at, address, start):
    """Attribute messages of a header in the first form, block after block."""
    if start[0] != 1:
        raise ValueError("no object header")
    (size,) = struct.unpack_from("<I", start, 8)
    yield from _walk(read_at, [(address + 16, size)], _split_1)


def _split_1(block):
    at = 0
    while at + 8 <= len(block):
        kind, size, flags = struct.unpack_from("<HHB", block, at)
        yield kind, flags, block[at + 8 : at + 8 + size]
        at += 8 + size


def _messages_2(read_at, address, start):
    """The same of a header in the second form."""
    flags = start[5]
    at = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    size = int.from_bytes(read_at(address + at, width), "little")
    extra = 2 if flags & 4 else 0

    def split(block):
        block = block.removeprefix(b"OCHK")
        place = 0
        while place + 4 + extra <= len(block):
            kind, length, marks = struct.unpack_from("<BHB", block, place)
            place += 4 + extra
            yield kind, marks, block[place : place + length]
            place += length

    yield from _walk(read_at, [(address + at + width, size)], split)


def _walk(read_at, blocks, split):
    total = 0
    for number, (offset, size) in enumerate(blocks):  # grows under way
        total += size
        if number >= _MOST_BLOCKS or total > _MOST_HEADER_BYTES:
            raise ValueError("a header without end")
        for kind, flags, data in split(read_at(offset, size)):
            if kind == _CONTINUATION:
                blocks.append(struct.unpack_from("<QQ", data))
            elif kind == _ATTRIBUTE:
                if flags & 2:
                    raise ValueError("a message kept elsewhere")
                yield data


def _texts_in(data, name):
    """(length, heap) of the texts in an attribute message of that name; None for another name or type."""
    version, flags = data[0], data[1]
    if version > 1 and flags & 3:
        raise ValueError("a type kept elsewhere")
    sizes = struct.unpack_from("<HHH", data, 2)
    at = 9 if version == 3 else 8
    places = []
    for size in sizes:
        places.append(at)
        at += size + (-size % 8 if version == 1 else 0)
    if data[places[0] : places[0] + sizes[0]].split(b"\0")[0] != name:
        return None
    kind = data[places[1]] & 0x0F
    (width,) = struct.unpack_from("<I", data, places[1] + 4)
    if kind != _VARIABLE_LENGTH or width != _ELEMENT_BYTES:
        return None
    return [struct.unpack_from("<IQ", data, i) for i in range(at, len(data) - _ELEMENT_BYTES + 1, _ELEMENT_BYTES)]

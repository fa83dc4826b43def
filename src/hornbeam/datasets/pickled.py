"""Plain data out of pickles, without running them: lists, dicts, text, numbers, and NumPy arrays of these.

CIFAR's batches are pickles, and so are the ragged arrays in imdb.npz and reuters.npz. Python's own loader calls what a
pickle names, whatever it is. This reader knows the few names that build arrays and no way to call anything else.
"""

import re
import struct

import numpy as np

_INTEGERS = re.compile(rb"(?:K.|M..|J....)++", re.DOTALL)
_INTEGER = re.compile(rb"K.|M..|J....", re.DOTALL)
_NUMBER_TYPES = re.compile(r"[|<>=]?(?:b1|[iu][1248]|f[248]|O[48]?)")
_ARRAY_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
_NAMES = {("numpy", "ndarray"): "ndarray", ("numpy", "dtype"): "dtype", ("_codecs", "encode"): "encode",
          ("__builtin__", "bytes"): "bytes",
          **{(module, "_reconstruct"): "reconstruct" for module in _ARRAY_MODULES}}  # fmt: skip
_FAULTS = (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError, struct.error)


def read_pickled(data):
    """What a pickle of protocol 2 to 4 holds, if that is plain data. Text of Python 2 comes as bytes.

    Args:
        data: bytes of the pickle.

    Raises:
        ValueError: it is damaged, or holds or calls anything but lists, tuples, dicts, text, numbers, None and arrays.

    Example:
        >>> read_pickled(bytes([0x80, 2]) + b"](K\\x05K\\x07e.")
        [5, 7]
    """
    try:
        return _Reader(data).run()
    except _FAULTS as error:
        raise ValueError(f"The pickle is damaged or holds more than plain data: {error!r}.") from error


class _Named(str):
    """A function or class that a pickle names; it is never called, only recognised."""


class _Unfinished:
    """An array or dtype between the two steps that make it; others may refer to it meanwhile."""

    def __init__(self, kind, made=None):
        self.kind, self.made = kind, made


class _Integers(dict):
    """The number that each opcode with its bytes stands for, worked out once."""

    def __missing__(self, token):
        self[token] = number = int.from_bytes(token[1:], "little", signed=token[:1] == b"J")
        return number


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0
        self.stack, self.marks, self.memo = [], [], {}
        self.integers = _Integers()
        self.may_copy = len(data)  # an honest pickle copies each of its items at most once

    def run(self):
        while True:
            # Runs of small integers are nearly all there is in millions of word numbers: they are taken in one go.
            found = _INTEGERS.match(self.data, self.at)
            if found:
                tokens = _INTEGER.findall(self.data, self.at, found.end())
                self.stack.extend(map(self.integers.__getitem__, tokens))
                self.at = found.end()
            code = self.take(1)
            if code == b".":
                return self.pop()
            step = _STEPS.get(code)
            if step is None:
                raise ValueError(f"opcode {code!r} at byte {self.at - 1} is refused")
            step(self)

    # Reading

    def take(self, size):
        piece = self.data[self.at : self.at + size]
        if len(piece) < size:
            raise ValueError("it ends too early")
        self.at += size
        return piece

    def size(self, width):
        return int.from_bytes(self.take(width), "little")

    def line(self):
        end = self.data.index(b"\n", self.at)
        text = self.take(end - self.at).decode("ascii")
        self.at = end + 1
        return text

    # The stack

    def push(self, value):
        self.stack.append(value)

    def pop_marked(self):
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def pop(self):
        return self.finished(self.stack.pop())

    def pop_tuple(self, count):
        self.push(tuple([self.pop() for _ in range(count)][::-1]))

    def keep(self, number):
        self.memo[number] = self.stack[-1]

    def recall(self, number):
        self.push(self.finished(self.memo[number]))

    @staticmethod
    def finished(value):
        return value.made if isinstance(value, _Unfinished) and value.made is not None else value

    # Containers

    def append(self, items):
        into = self.stack[-1]
        if type(into) is not list:
            raise TypeError(f"{type(into).__name__} takes no items")
        into.extend(items)

    def set_items(self, items):
        into, keys = self.stack[-1], items[::2]
        if type(into) is not dict or not all(isinstance(key, (str, bytes, int)) for key in keys):
            raise TypeError("a dict has keys that are text or numbers")
        into.update(zip(keys, items[1::2], strict=True))

    # Arrays

    def name(self, module, name):
        if (module, name) not in _NAMES:
            raise ValueError(f"it names {module}.{name}, which is no plain data")
        self.push(_Named(_NAMES[module, name]))

    def spend(self, amount):
        self.may_copy -= amount
        if self.may_copy < 0:
            raise ValueError("it would unpack to more than it holds")

    def reduce(self):
        arguments, called = self.pop(), self.pop()
        if not isinstance(called, _Named):
            raise TypeError(f"{type(called).__name__} is not called")
        if called == "encode" and arguments[1] == "latin1":
            self.spend(len(arguments[0]))
            self.push(arguments[0].encode("latin1"))
        elif called == "bytes" and arguments == ():
            self.push(b"")
        elif called == "dtype":
            name = _text(arguments[0])
            if not _NUMBER_TYPES.fullmatch(name):
                raise ValueError(f"dtype {name!r} is refused")
            self.push(_Unfinished("dtype", np.dtype(name)))
        elif called == "reconstruct" and isinstance(arguments[0], _Named) and arguments[0] == "ndarray":
            self.push(_Unfinished("array"))
        else:
            raise ValueError(f"{called} is called in an unknown way")

    def build(self):
        state, made = self.pop(), self.stack[-1]
        if not isinstance(made, _Unfinished):
            raise TypeError(f"{type(made).__name__} has no state")
        if made.kind == "dtype":
            made.made = made.made.newbyteorder(_text(state[1]))
        else:
            made.made = self.array(*state[-4:])
        self.stack[-1] = made.made

    def array(self, shape, dtype, by_columns, content):
        if dtype.hasobject:
            self.spend(len(content))
            flat = np.empty(len(content), object)
            for row, item in enumerate(content):
                flat[row] = item
        else:
            flat = np.frombuffer(content, dtype)
        return flat.reshape(shape, order="F" if by_columns else "C")


def _text(value):
    return value.decode("ascii") if isinstance(value, bytes) else str(value)


def _flag(value):
    return lambda reader: reader.push(value)


def _bytes(width):
    return lambda reader: reader.push(reader.take(reader.size(width)))


def _unicode(width):
    return lambda reader: reader.push(reader.take(reader.size(width)).decode("utf-8", "surrogatepass"))


def _long(width):
    return lambda reader: reader.push(int.from_bytes(reader.take(reader.size(width)), "little", signed=True))


# Opcode -> what it does. Missing on purpose: NEWOBJ, INST, OBJ, EXT, PERSID and everything else that makes objects.
_STEPS = {
    b"\x80": lambda r: r.take(1), b"\x95": lambda r: r.take(8),  # protocol, frame
    b"N": _flag(None), b"\x88": _flag(True), b"\x89": _flag(False),
    b"\x8a": _long(1), b"\x8b": _long(4), b"G": lambda r: r.push(struct.unpack(">d", r.take(8))[0]),
    b"U": _bytes(1), b"T": _bytes(4), b"C": _bytes(1), b"B": _bytes(4), b"\x8e": _bytes(8),
    b"\x8c": _unicode(1), b"X": _unicode(4), b"\x8d": _unicode(8),
    b"]": lambda r: r.push([]), b"}": lambda r: r.push({}), b")": lambda r: r.push(()),
    b"(": lambda r: r.marks.append(len(r.stack)),
    b"a": lambda r: r.append([r.pop()]), b"e": lambda r: r.append(r.pop_marked()),
    b"s": lambda r: r.set_items([r.pop(), r.pop()][::-1]), b"u": lambda r: r.set_items(r.pop_marked()),
    b"t": lambda r: r.push(tuple(r.pop_marked())),
    b"\x85": lambda r: r.pop_tuple(1), b"\x86": lambda r: r.pop_tuple(2), b"\x87": lambda r: r.pop_tuple(3),
    b"q": lambda r: r.keep(r.size(1)), b"r": lambda r: r.keep(r.size(4)), b"\x94": lambda r: r.keep(len(r.memo)),
    b"h": lambda r: r.recall(r.size(1)), b"j": lambda r: r.recall(r.size(4)),
    b"c": lambda r: r.name(r.line(), r.line()), b"\x93": lambda r: r.name(*[r.pop(), r.pop()][::-1]),
    b"R": lambda r: r.reduce(), b"b": lambda r: r.build(),
}  # fmt: skip

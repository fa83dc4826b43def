"""Limits that every reader of files shares: JSON, zip archives, headers of .npy and .safetensors.

A file is hostile until it has passed here. Each guard looks at what a file declares before it believes it, so no
number in a file decides how much memory is taken or how long a loop runs. Refusals are `ModelFileError`.
"""

import contextlib
import json
import math
import os
import re
import struct
import zipfile
from typing import Any

import numpy as np

from hornbeam.saving.errors import MissingModelFileError, ModelFileError

MOST_JSON_BYTES = 16 << 20
MOST_DEPTH = 200
MOST_CONTAINERS = 300_000  # lists and dicts of one JSON text; a network of 10 000 layers has about 150 000
MOST_VALUES = 1_000_000
MOST_QUOTES = 2_000_000
MOST_MEMBERS = 100_000
MOST_DIRECTORY_BYTES = 16 << 20
FREE_BYTES = 64 << 20  # below this much, what is packed may unpack to any size
MOST_RATIO = 100  # above it, to at most so many times its packed size
MOST_NPY_HEADER = 4096
MOST_RANK = 32
CHUNK = 1 << 20

_DAMAGED = "The file is damaged or was not written by a model library; take another copy."


@contextlib.contextmanager
def refusing(path, what):
    """Turn every error of the block into a ModelFileError that says what was being read.

    Example:
        >>> with refusing("m.h5", "its weights"):
        ...     raise KeyError("kernel")
        Traceback (most recent call last):
        ...
        hornbeam.saving.errors.ModelFileError: m.h5: cannot read its weights (KeyError: 'kernel'). ...
    """
    try:
        yield
    except ModelFileError:
        raise
    except FileNotFoundError as error:
        raise MissingModelFileError(path, "there is no such file", "Look at the spelling and the folder.") from error
    except PermissionError as error:
        raise ModelFileError(path, "the file may not be read", "Look at its permissions.") from error
    except IsADirectoryError as error:
        raise ModelFileError(path, "this is a folder, not a file", "Name the file in it.") from error
    except Exception as error:
        said = f"{type(error).__name__}: {error}"[:300]
        raise ModelFileError(path, f"cannot read {what} ({said})", _DAMAGED) from error


# --- JSON ---

# A string runs to its closing quote or, unclosed, to the end: so every quote is looked at once, whatever the text.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_STEP = np.zeros(256, np.int8)
_STEP[[ord("["), ord("{")]] = 1
_STEP[[ord("]"), ord("}")]] = -1


def read_json(text, path=None, what="the configuration") -> Any:
    """The value of a JSON text, after its size, depth and number of values have been looked at.

    Args:
        text: str or bytes (UTF-8).
        path: the file it comes from, for errors; None if it comes from nowhere in particular.
        what: what it is, for errors.

    Raises:
        ModelFileError: it is too large, too deep, or no JSON.

    Example:
        >>> read_json('{"units": 3}')
        {'units': 3}
    """
    if not isinstance(text, (str, bytes, bytearray)):
        raise ModelFileError(path, f"{what} is not a JSON text but {type(text).__name__}", _DAMAGED)
    if len(text) > MOST_JSON_BYTES:
        raise _too_much(path, what, f"{len(text)} characters", MOST_JSON_BYTES)
    try:
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)
        check_json(data, path, what)
        return json.loads(text if isinstance(text, str) else data.decode("utf-8"))
    except ModelFileError:
        raise
    except (ValueError, RecursionError) as error:
        raise ModelFileError(path, f"{what} is not valid JSON ({error})", _DAMAGED) from None


def check_json(data, path=None, what="the configuration"):
    """Refuse JSON (as bytes) that would become too deep or too many values, without reading it.

    Raises:
        ModelFileError: it would.
    """
    if data.count(b'"') > MOST_QUOTES:
        raise _too_much(path, what, "too many texts", MOST_QUOTES)
    bare = _STRING.sub(b"", data)
    if bare.count(b"[") + bare.count(b"{") > MOST_CONTAINERS:
        raise _too_much(path, what, "too many lists and dicts", MOST_CONTAINERS)
    if bare.count(b",") > MOST_VALUES:
        raise _too_much(path, what, "too many values", MOST_VALUES)
    brackets = _STEP[np.frombuffer(re.sub(rb"[^\[\]{}]+", b"", bare), np.uint8)]
    deepest = int(np.cumsum(brackets, dtype=np.int32).max(initial=0))
    if deepest > MOST_DEPTH:
        raise _too_much(path, what, f"{deepest} levels", MOST_DEPTH)


def write_json(value, what="The configuration", **how):
    """`value` as a JSON text that :func:`read_json` will read; `how` goes to json.dumps.

    Raises:
        ValueError: it is larger or deeper than any that is read, or holds what JSON does not.

    Example:
        >>> write_json({"units": 3})
        '{"units": 3}'
    """
    text = json.dumps(value, **how)
    try:
        if len(text) > MOST_JSON_BYTES:
            raise _too_much(None, what, f"{len(text)} characters", MOST_JSON_BYTES)
        check_json(text.encode(), None, what)
    except ModelFileError as error:
        raise ValueError(
            f"{error.problem}. It could be written, but is more than is ever read back. Put large constants into "
            f"weights (add_weight), not into settings of layers."
        ) from None
    return text


def _too_much(path, what, came, most):
    return ModelFileError(path, f"{what} is refused: {came}, at most {most} are read", "No model needs so much.")


# --- Zip archives ---


class GuardedZip:
    """A zip archive whose members are looked at before anything is unpacked; nothing is ever unpacked to disk.

    Refused: more than 100 000 members, two of one name, names that lead out of the archive, encryption, compression
    other than none and deflate, members that overlap, members that unpack to more than 64 MiB and 100 times their size.

    Args:
        path: the file.

    Raises:
        ModelFileError: no zip archive, or one of the above.

    Example::

        with GuardedZip("m.keras") as archive:
            config = read_json(archive.read("config.json"), archive.path)
            with archive.open("model.weights.h5") as file:
                ...
    """

    def __init__(self, path):
        self.path = os.fspath(path)
        with refusing(self.path, "the archive"):
            with open(self.path, "rb") as file:
                declared = _check_directory(file, self.path)
            self._zip = zipfile.ZipFile(self.path)
        try:
            self._members = _checked_members(self._zip, self.path, declared)
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._zip.close()

    @property
    def names(self):
        """Names of the members (files only), in their order."""
        return list(self._members)

    def __contains__(self, name):
        return name in self._members

    def size(self, name):
        """Unpacked size of a member in bytes, as declared."""
        return self._member(name).file_size

    def _member(self, name):
        if name not in self._members:
            raise ModelFileError(self.path, f"the archive has no member {name!r}", "The file is not complete.")
        return self._members[name]

    @contextlib.contextmanager
    def stream(self, name):
        """Read a member once from its beginning, in chunks; its checksum is checked where it ends."""
        with refusing(self.path, f"the member {name!r}"), self._zip.open(self._member(name)) as stream:
            yield stream

    def read(self, name, most_bytes=MOST_JSON_BYTES):
        """All bytes of a member, which has at most `most_bytes`."""
        size = self.size(name)
        if size > most_bytes:
            raise _too_much(self.path, f"the member {name!r}", f"{size} bytes", most_bytes)
        with self.stream(name) as stream:
            return bytes(_read_exactly(stream, size))

    @contextlib.contextmanager
    def open(self, name):
        """A member as a seekable binary file, after its checksum has been checked.

        A member that is stored unpacked (Keras 3 stores so) is read in place and takes no memory.
        """
        member = self._member(name)
        with self.stream(name) as stream:
            if member.compress_type == zipfile.ZIP_STORED:
                left = member.file_size
                while left:
                    left -= len(_read_exactly(stream, min(CHUNK, left)))
                content = None
            else:
                content = np.empty(member.file_size, np.uint8)
                fill(stream, content)
            _expect_end(stream)
        if content is not None:
            with Window(memoryview(content.data)) as window:
                yield window
            return
        with open(self.path, "rb") as file:
            file.seek(member.header_offset + 26)
            name_bytes, extra_bytes = struct.unpack("<HH", file.read(4))
            start = member.header_offset + 30 + name_bytes + extra_bytes
            with Window(file, start, member.file_size) as window:
                yield window


def _check_directory(file, path):
    """Number of members that the end of a zip file declares, None if it is too large for its field.

    It is looked at before zipfile makes an object of every member that is listed.
    """
    size = file.seek(0, os.SEEK_END)
    tail_bytes = min(size, MOST_DIRECTORY_BYTES + 65_536 + 98)
    file.seek(size - min(size, 65_536 + 98))
    tail = file.read()
    end = tail.rfind(b"PK\5\6")
    if end < 0 or len(tail) - end < 22:
        raise ModelFileError(path, "this is not a zip archive, or its end is missing", _DAMAGED)
    directory_bytes = struct.unpack("<I", tail[end + 12 : end + 16])[0]
    if directory_bytes != 0xFFFFFFFF and directory_bytes > MOST_DIRECTORY_BYTES:
        raise _too_much(path, "the list of members", f"{directory_bytes} bytes", MOST_DIRECTORY_BYTES)
    wide = tail.rfind(b"PK\6\6")
    if wide >= 0 and len(tail) - wide >= 56:
        directory_bytes = max(directory_bytes if directory_bytes != 0xFFFFFFFF else 0,
                              struct.unpack("<Q", tail[wide + 40 : wide + 48])[0])  # fmt: skip
        if directory_bytes > MOST_DIRECTORY_BYTES:
            raise _too_much(path, "the list of members", f"{directory_bytes} bytes", MOST_DIRECTORY_BYTES)
    if directory_bytes > 46 * 1000:
        file.seek(size - tail_bytes)
        count = file.read().count(b"PK\1\2")
        if count > MOST_MEMBERS:
            raise _too_much(path, "the archive", f"{count} members", MOST_MEMBERS)
    count = struct.unpack("<H", tail[end + 10 : end + 12])[0]
    return None if count == 0xFFFF else count


def _checked_members(archive, path, count):
    members, spans, declared = {}, [], 0
    if not archive.infolist() or count not in (None, len(archive.infolist())):
        problem = f"its list of members is not whole: {count} declared, {len(archive.infolist())} found"
        raise ModelFileError(path, problem, _DAMAGED)
    file_bytes = os.path.getsize(path)
    for member in archive.infolist():
        name = member.filename
        if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or "\0" in member.orig_filename:
            raise ModelFileError(path, f"the member {name!r} leads out of the archive", "The file is refused.")
        if member.flag_bits & 0x1:
            raise ModelFileError(path, f"the member {name!r} is encrypted", "Unpack it with its password first.")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ModelFileError(path, f"the member {name!r} is packed by the unusual method {member.compress_type}",
                                 "Pack it again without compression.")  # fmt: skip
        if name in members:
            raise ModelFileError(path, f"the archive has two members {name!r}", _DAMAGED)
        if member.compress_type == zipfile.ZIP_STORED and member.compress_size != member.file_size:
            raise ModelFileError(path, f"the member {name!r} has two sizes", _DAMAGED)
        _check_ratio(path, f"the member {name!r}", member.file_size, member.compress_size)
        declared += member.file_size
        spans.append((member.header_offset, 30 + member.compress_size))  # and the name's length, a lower bound
        if not member.is_dir():
            members[name] = member
    _check_ratio(path, "the archive", declared, file_bytes)
    spans.sort()
    if spans[0][0] != 0:
        raise ModelFileError(path, "the archive does not begin with its first member", _DAMAGED)
    for (start, size), (after, _) in zip(spans, [*spans[1:], (file_bytes, 0)]):
        if start < 0 or start + size > after:
            raise ModelFileError(path, "members of the archive overlap or pass its end", "The file is refused.")
    return members


def _check_ratio(path, what, unpacked, packed):
    if unpacked > FREE_BYTES and unpacked > MOST_RATIO * packed:
        raise ModelFileError(path, f"{what} would unpack {packed} bytes to {unpacked}", "Such a bomb is refused.")


def _read_exactly(stream, size):
    parts, left = bytearray(), size
    while left:
        part = stream.read(min(left, CHUNK))
        if not part:
            raise ValueError(f"{left} of {size} bytes are missing")
        parts += part
        left -= len(part)
    return parts


def fill(stream, array):
    """Read exactly the bytes of a contiguous `array` from `stream` into it, in chunks."""
    target = memoryview(array.reshape(-1).view(np.uint8))
    at = 0
    while at < len(target):
        part = stream.read(min(CHUNK, len(target) - at))
        if not part:
            raise ValueError(f"{len(target) - at} of {len(target)} bytes are missing")
        target[at : at + len(part)] = part
        at += len(part)


def _expect_end(stream):
    if stream.read(1):
        raise ValueError("there are more bytes than declared")


class Window:
    """Part of an open file, or of memory, as a seekable binary file for reading."""

    def __init__(self, source, start=0, size=None):
        self._source, self._start, self._at = source, start, 0
        self._size = len(source) if size is None else size

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._source = None

    def seek(self, offset, whence=os.SEEK_SET):
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def tell(self):
        return self._at

    def readable(self):
        return True

    def seekable(self):
        return True

    def readinto(self, buffer):
        target = memoryview(buffer).cast("B")
        size = max(0, min(len(target), self._size - self._at))
        if isinstance(self._source, memoryview):
            target[:size] = self._source[self._at : self._at + size]
        else:
            self._source.seek(self._start + self._at)
            size = self._source.readinto(target[:size])
        self._at += size
        return size

    def read(self, size=-1):
        left = max(0, self._size - self._at)
        buffer = bytearray(left if size is None or size < 0 else min(size, left))
        return bytes(buffer[: self.readinto(buffer)])


# --- Arrays ---

_NPY = re.compile(
    rb"\{'descr': '([<>|=]?[a-zA-Z]\d*)', 'fortran_order': (True|False), 'shape': \(((?:\d{1,19}L?,? ?)*)\), ?\} *\n?"
)
_NPY_KINDS = "biufc"


def npy_header(stream, size, path, what):
    """(dtype, shape, fortran order) of a .npy stream of `size` bytes, read up to where its numbers begin.

    Only plain numbers are let through: no objects (they would be pickles), no records, no text, and a shape that fills
    the stream exactly.

    Raises:
        ModelFileError: anything else.
    """
    magic = bytes(_read_exactly(stream, min(8, size)))
    if magic[:6] != b"\x93NUMPY" or magic[6:7] not in (b"\1", b"\2", b"\3"):
        raise ModelFileError(path, f"{what} is not an array of NumPy's", _DAMAGED)
    width = 2 if magic[6] == 1 else 4
    length = int.from_bytes(_read_exactly(stream, width), "little")
    if length > min(MOST_NPY_HEADER, size):
        raise _too_much(path, f"the header of {what}", f"{length} bytes", MOST_NPY_HEADER)
    header = bytes(_read_exactly(stream, length))
    match = _NPY.fullmatch(header)
    if not match:
        raise ModelFileError(path, f"{what} is not an array of plain numbers ({header[:80]!r})",
                             "Arrays of objects are pickles and are never read. Save numbers.")  # fmt: skip
    dtype = _plain_dtype(match[1].decode(), path, what)
    shape = tuple(int(n.rstrip(b"L")) for n in re.findall(rb"\d+L?", match[3]))
    check_shape(shape, dtype, size - 8 - width - length, path, what)
    return dtype, shape, match[2] == b"True"


def _plain_dtype(name, path, what):
    try:
        dtype = np.dtype(name)
    except TypeError:
        dtype = None
    if dtype is None or dtype.kind not in _NPY_KINDS:
        raise ModelFileError(path, f"{what} has the type {name!r}, which is no plain number", "Save numbers.")
    return dtype


def check_shape(shape, dtype, size, path, what):
    """Refuse a shape that does not take exactly `size` bytes.

    Raises:
        ModelFileError: it does not, or it has more than 32 axes.
    """
    if len(shape) > MOST_RANK:
        raise _too_much(path, what, f"{len(shape)} axes", MOST_RANK)
    if math.prod(shape) * dtype.itemsize != size:
        raise ModelFileError(path, f"{what} declares {dtype} of shape {shape}, but {size} bytes are there", _DAMAGED)


SAFETENSORS_TYPES = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "U16": "uint16", "I16": "int16", "U32": "uint32", "I32": "int32",
    "U64": "uint64", "I64": "int64", "F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64",
    "C64": "complex64",
}  # fmt: skip


def safetensors_header(file, path):
    """(metadata, {name: (dtype, shape, start)}) of an open .safetensors file; `start` counts from the file's beginning.

    Checked as the format demands: the header is JSON inside the file, every tensor's bytes are what its type and shape
    take, and together they fill the rest of the file without a hole and without overlap.

    Raises:
        ModelFileError: one of these does not hold.
    """
    total = file.seek(0, os.SEEK_END)
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if total < 10 or length > total - 8:
        raise ModelFileError(path, f"the header declares {length} bytes in a file of {total}", _DAMAGED)
    if length > MOST_JSON_BYTES:
        raise _too_much(path, "the header", f"{length} bytes", MOST_JSON_BYTES)
    header = read_json(file.read(length), path, "the header")
    if not isinstance(header, dict):
        raise ModelFileError(path, "the header is not a dict", _DAMAGED)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ModelFileError(path, "the metadata is not a dict of texts", _DAMAGED)
    tensors, spans = {}, []
    for name, entry in header.items():
        dtype, shape, begin, end = _tensor_entry(name, entry, path)
        check_shape(shape, dtype, end - begin, path, f"the tensor {name!r}")
        tensors[name] = dtype, shape, 8 + length + begin
        spans.append((begin, end))
    at = 0
    for begin, end in sorted(spans):
        if begin != at:
            raise ModelFileError(path, "tensors overlap or leave a hole in the file", _DAMAGED)
        at = end
    if at != total - 8 - length:
        raise ModelFileError(path, f"the tensors take {at} bytes, but {total - 8 - length} are there", _DAMAGED)
    return metadata, tensors


def _tensor_entry(name, entry, path):
    with refusing(path, f"the entry of the tensor {name!r}"):
        if set(entry) != {"dtype", "shape", "data_offsets"}:
            raise ValueError(f"it has the fields {sorted(entry)}")
        begin, end = entry["data_offsets"]
        numbers = [begin, end, *entry["shape"]]
        if not all(type(n) is int and 0 <= n < 1 << 63 for n in numbers) or end < begin:
            raise ValueError("its numbers are not whole numbers in order")
        return dtype_named(SAFETENSORS_TYPES[entry["dtype"]]), tuple(entry["shape"]), begin, end


NUMBERS = {*SAFETENSORS_TYPES.values(), "complex128"}


def dtype_named(name):
    """The NumPy type with one of the names that weights may have, 'bfloat16' among them.

    Raises:
        ValueError: any other name.
    """
    if not isinstance(name, str) or name not in NUMBERS:
        raise ValueError(f"{name!r} is no type of weights")
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name)

"""HDF5 files opened safely: every link, group and dataset is looked at before a byte of data is read.

HDF5 follows links into other files, reads datasets out of other files, and believes any size a file declares. Here the
whole tree is walked first, through h5py's low level, where nothing is followed before it was looked at. What passes is
a table of plain datasets, each stored in this very file, once, and no larger than what is stored.
"""

import math
import os
import stat

import numpy as np

from hornbeam.host_memory import room_for
from hornbeam.saving import guards
from hornbeam.saving.errors import ModelFileError
from hornbeam.saving.hdf5_heap import DamagedHeap, text_lengths

USER_BLOCKS = (512, 1024, 2048, 4096, 8192)
SIGNATURE = b"\x89HDF\r\n\x1a\n"
MOST_DEPTH = 32
MOST_OBJECTS = 100_000
MOST_ATTRIBUTE_BYTES = 64 << 20
MOST_NAME_BYTES = 4096
FREE_BYTES = 64 << 20  # below this much, what is compressed may unpack to any size
MOST_RATIO = 100  # above it, to at most so many times its stored size

_CURE = "Files of models hold nothing of the kind; do not trust this one."
_DAMAGED = "The file is damaged; take another copy."


def refuse_user_block(path, read_at):
    """Refuse a file whose HDF5 part begins behind a block of the user's own, which all its offsets would hide.

    Args:
        path: the file, for the message.
        read_at: function of (offset, count) to bytes.

    Raises:
        ModelFileError: it is such a file.
    """
    if read_at(0, 8) == SIGNATURE:
        return
    for size in USER_BLOCKS:
        if read_at(size, 8) == SIGNATURE:
            raise ModelFileError(
                path, f"its HDF5 part begins after a user block of {size} bytes, and no Keras writes such files",
                "Take the block off: h5unjam -i FILE -o NEW (of the HDF5 tools).",
            )  # fmt: skip


class GuardedFile:
    """An HDF5 file whose tree has been looked at; use it as a context manager.

    Refused: soft, external and user-defined links; datasets that are virtual, stored in other files, compressed by
    anything but gzip and shuffle, larger than what is stored, or of a type other than numbers; an object reachable
    twice (so no cycles); more than 32 levels, 100 000 objects, 64 MiB in an attribute; and what is no regular file.

    Args:
        path: the file, or its name for errors if `data` is given.
        data: the file's contents, for a file inside an archive.

    Raises:
        ModelFileError: one of the above, or HDF5 cannot read it.

    Example::

        with GuardedFile("m.h5") as file:
            file.texts("model_weights", "layer_names")
            file.array("model_weights/dense/dense/kernel:0")
    """

    def __init__(self, path, data=None):
        self.path = os.fspath(path)
        self.groups = set()  # paths, '' is the root
        self.datasets = {}  # path -> (shape, dtype)
        self._file = self._read_at = None
        self._raw = None
        self._arrays, self._plain = {}, {}
        with guards.refusing(self.path, "the HDF5 file"):
            self._open(data)
            try:
                self._walk()
            except BaseException:
                self.close()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """Let go of the file; arrays already read stay."""
        if self._file is not None:
            try:
                self._file.close()
            except Exception as error:  # closing a damaged file may fail too
                raise ModelFileError(self.path, f"HDF5 cannot close it ({error})", _DAMAGED) from error
            finally:
                self._file = None
                self._close_raw()

    def _close_raw(self):
        if self._raw is not None:
            self._raw.close()
            self._raw = None

    def refused(self, what, cure=_CURE):
        """ModelFileError for this file."""
        return ModelFileError(self.path, what, cure)

    # --- Opening ---

    def _open(self, data):
        from h5py import h5f, h5p

        access = h5p.create(h5p.FILE_ACCESS)
        access.set_fclose_degree(h5f.CLOSE_STRONG)
        access.set_libver_bounds(h5f.LIBVER_EARLIEST, h5f.LIBVER_LATEST)
        if data is None:
            access.set_file_locking(False, True)  # files are replaced whole, never changed in place
            self._open_plain()
        else:
            access.set_fapl_core(backing_store=False)
            access.set_file_image(bytes(data))
            self.size, self._read_at = len(data), lambda offset, count: bytes(data[offset : offset + count])
        try:
            refuse_user_block(self.path, self._read_at)
            if self._read_at(0, 8) != SIGNATURE:
                raise self.refused("this is not an HDF5 file", "Look at the name, or take another copy.")
            self._file = h5f.open(os.fsencode(self.path), h5f.ACC_RDONLY, fapl=access)
        except BaseException:
            self._close_raw()
            raise

    def _open_plain(self):
        # Without O_NONBLOCK, opening a pipe would wait for a writer.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(self.path, flags)
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            kind = "a folder" if stat.S_ISDIR(found.st_mode) else "not a regular file but a device or pipe"
            raise self.refused(f"this is {kind}", "Name the file itself.")
        self.size = found.st_size
        raw = self._raw = os.fdopen(descriptor, "rb", buffering=0)

        def read_at(offset, count):
            raw.seek(min(offset, self.size))
            return raw.read(max(0, min(count, self.size - offset)))

        self._read_at = read_at

    # --- The walk ---

    def _walk(self):
        from h5py import h5g, h5o

        root = h5g.open(self._file, b"/")
        seen, waiting = {h5o.get_info(root).addr}, [("", root)]
        self.groups.add("")
        self._stored = self._declared = 0
        while waiting:
            path, group = waiting.pop()
            for name in self._names_in(group, path):
                self._visit(group, path, name, seen, waiting)
        if self._stored > self.size:
            raise self.refused("its datasets claim more bytes than the file has, so they overlap")
        if self._declared > max(FREE_BYTES, MOST_RATIO * self._stored):
            raise self.refused(
                f"its datasets unpack to {self._declared} bytes from {self._stored}, over {MOST_RATIO} times as many"
            )

    def _names_in(self, group, path):
        names = []
        left = MOST_OBJECTS - len(self.groups) - len(self.datasets)

        def note(name):
            names.append(name)
            return True if len(names) > left else None

        group.links.iterate(note)
        if len(names) > left:
            raise self.refused(f"it holds more than {MOST_OBJECTS} objects")
        for name in names:
            if len(name) > MOST_NAME_BYTES or name in (b"", b".", b"..") or b"/" in name:
                raise self.refused(f"the group {path!r} holds an object named {name[:80]!r}")
        return names

    def _visit(self, group, path, name, seen, waiting):
        from h5py import h5d, h5g, h5l, h5o

        try:
            full = f"{path}/{name.decode('utf-8')}".lstrip("/")
        except UnicodeDecodeError:
            raise self.refused(f"the name {name[:80]!r} is no UTF-8 text", _DAMAGED) from None
        link = group.links.get_info(name)
        if link.type != h5l.TYPE_HARD:
            kinds = {h5l.TYPE_SOFT: "a soft link", h5l.TYPE_EXTERNAL: "a link into another file"}
            raise self.refused(f"{full!r} is {kinds.get(link.type, 'a link of an unknown kind')}")
        found = h5o.get_info(group, name)
        if found.addr in seen:
            raise self.refused(f"{full!r} is reachable by two ways (two links, or a circle of groups)")
        seen.add(found.addr)
        if found.type == h5o.TYPE_GROUP:
            if full.count("/") + 1 > MOST_DEPTH:
                raise self.refused(f"groups lie more than {MOST_DEPTH} deep at {full[:80]!r}")
            self.groups.add(full)
            waiting.append((full, h5g.open(group, name)))
        elif found.type == h5o.TYPE_DATASET:
            self.datasets[full] = self._look_at(full, h5d.open(group, name))
        else:
            raise self.refused(f"{full!r} is neither a group nor a dataset")

    def _look_at(self, path, dataset):
        """(shape, dtype) of a dataset after every check."""
        from h5py import h5d, h5s, h5t

        plan = dataset.get_create_plist()  # first: asking a virtual dataset for its shape opens other files
        layout = plan.get_layout()
        if layout == h5d.VIRTUAL:
            raise self.refused(f"the dataset {path!r} is virtual: its values lie in other datasets or files")
        if layout not in (h5d.COMPACT, h5d.CONTIGUOUS, h5d.CHUNKED):
            raise self.refused(f"the dataset {path!r} has an unknown layout")
        if layout == h5d.CONTIGUOUS and plan.get_external_count():
            raise self.refused(f"the values of the dataset {path!r} lie in another file")
        dtype = self._number_type(dataset.get_type(), f"the dataset {path!r}")
        space = dataset.get_space()
        if space.get_simple_extent_type() == h5s.NULL:
            raise self.refused(f"the dataset {path!r} has no values")
        shape = tuple(int(n) for n in space.get_simple_extent_dims())
        declared, stored = math.prod(shape) * dtype.itemsize, dataset.get_storage_size()
        packed = self._check_filters(path, plan)
        if layout == h5d.CHUNKED:
            self._check_chunks(path, plan, dtype, declared)
        if declared > stored and (not packed or stored == 0 or declared > max(FREE_BYTES, MOST_RATIO * stored)):
            raise self.refused(f"the dataset {path!r} declares {declared} bytes, of which {stored} are stored")
        if layout == h5d.CONTIGUOUS and declared:
            begin = dataset.get_offset()
            if begin is None or begin + stored > self.size:
                raise self.refused(f"the dataset {path!r} ends behind the end of the file", _DAMAGED)
            if dtype.kind != "b" and dataset.get_type().equal(h5t.py_create(dtype)):
                self._plain[path] = begin  # as in memory: no need of HDF5 to read it
        self._stored += stored
        self._declared += declared
        return shape, dtype

    def _number_type(self, kind, what):
        from h5py import h5t

        if kind.get_class() not in (h5t.INTEGER, h5t.FLOAT, h5t.ENUM):
            raise self.refused(f"{what} holds something else than numbers (HDF5 type class {kind.get_class()})")
        dtype = np.dtype(kind.dtype)
        plain = dtype == np.bool_ if kind.get_class() == h5t.ENUM else dtype.kind in "iuf" and dtype.itemsize <= 8
        if not plain:
            raise self.refused(f"{what} holds numbers of the type {dtype}, which no model has")
        return dtype.newbyteorder("=")

    def _check_filters(self, path, plan):
        from h5py import h5z

        known = {h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE}
        count = plan.get_nfilters()
        for i in range(count):
            number = plan.get_filter(i)[0]
            if number not in known or count > 2:
                raise self.refused(f"the dataset {path!r} is packed by filter {number}; only gzip and shuffle are read")
        return count > 0

    def _check_chunks(self, path, plan, dtype, declared):
        chunk = math.prod(int(n) for n in plan.get_chunk()) * dtype.itemsize
        if chunk > max(FREE_BYTES, 2 * declared):
            raise self.refused(f"the dataset {path!r} is stored in pieces of {chunk} bytes")

    # --- Reading ---

    def array(self, path):
        """Values of a dataset, read once.

        Raises:
            ModelFileError: there is no such dataset, or it cannot be read.
        """
        from h5py import h5d, h5s, h5t

        if path not in self._arrays:
            if path not in self.datasets:
                raise self.refused(f"it has no dataset {path!r}", _DAMAGED)
            shape, dtype = self.datasets[path]
            with guards.refusing(self.path, f"the dataset {path!r}"):
                values = room_for(shape, dtype)
                if path in self._plain and self._raw is not None:
                    self._read_plain(values, self._plain[path])
                elif values.size:
                    dataset = h5d.open(self._file, path.encode())
                    kind = dataset.get_type() if dtype.kind == "b" else h5t.py_create(dtype)
                    dataset.read(h5s.ALL, h5s.ALL, values, kind)
                self._arrays[path] = values
        return self._arrays[path]

    def _read_plain(self, values, begin):
        self._raw.seek(begin)
        left = values.reshape(-1).view(np.uint8)
        while len(left):
            count = self._raw.readinto(left.data)
            if not count:
                raise OSError("it ends too early")
            left = left[count:]

    def attribute(self, path, name):
        """Value of an attribute: a str, a list of str, or an array of numbers; None if there is none.

        Args:
            path: group or dataset, '' for the root.
            name: the attribute.

        Raises:
            ModelFileError: it is too large or of a type that no model file has.
        """
        from h5py import h5a, h5o

        if path not in self.groups and path not in self.datasets:
            raise self.refused(f"it has no group {path!r}", _DAMAGED)
        with guards.refusing(self.path, f"the attribute {name!r} of {path or '/'!r}"):
            owner = h5o.open(self._file, path.encode() or b"/")
            if not h5a.exists(owner, name.encode()):
                return None
            found = h5a.open(owner, name.encode())
            variable = self._check_attribute(found, h5o.get_info(owner).addr, path, name)
            values = np.empty(found.shape, found.dtype)
            if values.size:
                found.read(values)
        if not variable and values.dtype.kind != "S":
            return values
        texts = [self._text(item, path, name) for item in values.reshape(-1).tolist()]
        return texts if values.ndim else texts[0]

    def _text(self, item, path, name):
        try:
            return item if isinstance(item, str) else bytes(item or b"").decode("utf-8")
        except UnicodeDecodeError:
            raise self.refused(f"the attribute {name!r} of {path or '/'!r} is no UTF-8 text", _DAMAGED) from None

    def _check_attribute(self, found, address, path, name):
        """Refuse a type or size that is not read; is it of texts of variable length?"""
        from h5py import h5t

        what = f"the attribute {name!r} of {path or '/'!r}"
        kind = found.get_type()
        size = found.get_storage_size() if math.prod(found.shape) else 0  # HDF5 knows no size of nothing
        if size > MOST_ATTRIBUTE_BYTES:
            raise self.refused(f"{what} has {size} bytes")
        if kind.get_class() != h5t.STRING:
            self._number_type(kind, what)
            return False
        if not kind.is_variable_str():
            return False
        count = math.prod(found.shape)
        try:
            lengths = text_lengths(self._read_at, address, name.encode())
        except DamagedHeap as error:
            raise self.refused(str(error), _DAMAGED) from error
        total = count * self.size if lengths is None or len(lengths) < count else sum(lengths)
        longest = max(lengths or (), default=0)  # a longer JSON is refused by its reader, after it has taken memory
        if total > MOST_ATTRIBUTE_BYTES or longest > guards.MOST_JSON_BYTES:
            raise self.refused(f"{what} holds texts of up to {max(total, longest)} bytes")
        return True

    def texts(self, path, name):
        """A list of names kept in an attribute, or chopped into attributes with numbers behind the name.

        Raises:
            ModelFileError: they are no texts.
        """
        whole = self.attribute(path, name)
        parts = [] if whole is None else [whole]
        while whole is None and len(parts) < MOST_OBJECTS:
            part = self.attribute(path, f"{name}{len(parts)}")
            if part is None:
                break
            parts.append(part)
        found = []
        for part in parts:
            if not isinstance(part, list):
                if np.size(part) or isinstance(part, str):
                    raise self.refused(f"the attribute {name!r} of {path or '/'!r} is no list of names", _DAMAGED)
                continue
            found.extend(part)
        return found

    def has(self, path, name):
        """Is there such an attribute, whole or chopped?"""
        from h5py import h5a, h5o

        with guards.refusing(self.path, f"the attributes of {path or '/'!r}"):
            owner = h5o.open(self._file, path.encode() or b"/")
            return any(h5a.exists(owner, n.encode()) for n in (name, f"{name}0"))

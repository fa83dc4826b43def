"""Replacing a file so that at every moment either the old one or the new one is there, whole."""

import contextlib
import errno
import hashlib
import os
import re
import secrets
import stat
import threading
import time
from pathlib import Path

# Names of temporary files: .{name}.hornbeam-{host}-{process}-{random}.tmp, in the folder of the file itself.
_TEMPORARY = re.compile(r"\.hornbeam-(?P<host>[0-9a-f]{8})-(?P<process>\d+)-[0-9a-f]{8}\.tmp")
_LONGEST_NAME = 150  # bytes; most file systems allow 255, and the rest of a temporary's name needs about 50
_FOREIGN_AGE_S = 86_400  # a temporary made on another machine is a leftover when it is this old

_live = set()  # temporaries that this process is writing now


@contextlib.contextmanager
def replacing(path):
    """Give a temporary path beside `path`; when the block ends well, it becomes `path` in one step.

    The order is: write, fsync of the file, rename, fsync of the folder. Whatever ends the block otherwise (an error, a
    full disk, Ctrl-C) removes the temporary and leaves the old file untouched. A killed process leaves its temporary
    behind; the next save to the same path removes it. Links are followed: what a symbolic link leads to is replaced.

    Args:
        path: the file to write; it may exist or not, its folder must.

    Raises:
        OSError: the folder is missing or cannot be written, the file is protected, the disk is full.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "numbers.txt"
        >>> with replacing(target) as temporary:
        ...     _ = temporary.write_text("1 2 3")
        >>> target.read_text()
        '1 2 3'
    """
    target = Path(os.path.realpath(os.fspath(path)))
    mode = _check_target(target)
    _remove_leftovers(target)
    temporary = _temporary_of(target)
    _live.add(temporary)
    try:
        usual_mode = _create(temporary, target)
        yield temporary
        _flush_file(temporary, usual_mode if mode is None else mode)
        _replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    finally:
        _live.discard(temporary)
    _flush_folder(target.parent)


def _error(number, target, problem):
    return OSError(number, f"Cannot save {os.fspath(target)!r}: {problem}", os.fspath(target))


def _check_target(target):
    """Permissions of the file to be replaced, None if there is none yet."""
    try:
        found = os.stat(target)
    except FileNotFoundError:
        if not target.parent.is_dir():
            raise _error(errno.ENOENT, target, f"there is no folder {os.fspath(target.parent)!r}. Make it first, with "
                                               f"os.makedirs.") from None  # fmt: skip
        return None
    if stat.S_ISDIR(found.st_mode):
        raise _error(errno.EISDIR, target, "this is a folder. Give the name of a file.")
    if not stat.S_ISREG(found.st_mode):
        raise _error(errno.EINVAL, target, "this is a device or a pipe. Give the name of a plain file.")
    if not os.access(target, os.W_OK):
        raise _error(errno.EACCES, target, "the file is protected against writing.")
    return stat.S_IMODE(found.st_mode)


def _host():
    name = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def _stem(target):
    """Name of the target as it begins the temporary's name; a very long one is cut and made unique by its hash."""
    name = target.name
    if len(os.fsencode(name)) <= _LONGEST_NAME:
        return f".{name}"
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    return f".{os.fsencode(name)[: _LONGEST_NAME - 17].decode('ascii', 'replace').replace(chr(0xFFFD), '_')}-{digest}"


def _temporary_of(target):
    return target.parent / f"{_stem(target)}.hornbeam-{_host()}-{os.getpid()}-{secrets.token_hex(4)}.tmp"


def _create(temporary, target):
    """Make the temporary, empty; gives the permissions that new files get here."""
    try:
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except OSError as error:
        raise _error(error.errno, target, f"nothing can be written in its folder ({error.strerror}).") from error
    try:
        return stat.S_IMODE(os.fstat(descriptor).st_mode)
    finally:
        os.close(descriptor)


def _flush_file(temporary, mode):
    descriptor = os.open(temporary, os.O_RDWR)
    try:
        if hasattr(os, "fchmod") and stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
            with contextlib.suppress(PermissionError):  # some file systems have no such bits
                os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(temporary, target):
    """Rename. The old file is held open meanwhile, or the rename would wait until its pages and blocks are given back:
    20 of the 100 ms that saving 100 MB takes. A thread closes it. (Windows does not rename onto an open file.)
    """
    old = None
    if os.name != "nt":
        with contextlib.suppress(OSError):  # there is none, or it may not be read
            old = os.open(target, os.O_RDONLY)
    try:
        os.replace(temporary, target)
    finally:
        if old is not None:
            _close_meanwhile(old)


def _close_meanwhile(descriptor):
    try:
        threading.Thread(target=os.close, args=(descriptor,), name="hornbeam-close").start()
    except RuntimeError:  # no more threads, or the interpreter is ending
        os.close(descriptor)


def _flush_folder(folder):
    """Make the rename itself last. Where folders cannot be flushed (Windows, some network disks) nothing is done."""
    if os.name == "nt":
        return
    descriptor = None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM):
            raise
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _remove_leftovers(target):
    """Remove temporaries of this very path whose writers are dead."""
    stem = _stem(target)
    try:
        names = os.listdir(target.parent)
    except OSError:  # a folder that may be written but not listed
        return
    for name in names:
        match = _TEMPORARY.fullmatch(name[len(stem) :]) if name.startswith(stem) else None
        if match and not _in_use(target.parent / name, match):
            with contextlib.suppress(OSError):
                os.unlink(target.parent / name)


def _in_use(temporary, match):
    if temporary in _live:
        return True
    if os.name == "nt":  # a file that somebody has open cannot be removed there, so trying is safe
        return False
    if match["host"] != _host():
        try:
            return time.time() - os.stat(temporary).st_mtime < _FOREIGN_AGE_S
        except OSError:
            return False
    process = int(match["process"])
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it lives and belongs to somebody else
        return True
    return True

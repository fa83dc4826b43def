"""Compiled programs kept on the disk, so that the second run of a script does not compile what the first one did.

They lie where :func:`hornbeam.config.programs_folder` says; whoever sets `JAX_COMPILATION_CACHE_DIR` has chosen already
and is left alone. The training program of a small convolutional network is there after 1.2 s instead of 9.6.

JAX has a cache of its own, which writes in place, checks nothing and needs one more library to bound its size. Ours
takes its place by the one private name below, and where a later JAX has no such name, JAX's own serves.
"""

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

import jax

from hornbeam import config

MOST_BYTES = 1 << 30  # beyond it, what was not used for longest goes
LEAST_COMPILE_S = 0.2  # of a program that is worth a file
_DIGEST_BYTES = 32
_SUFFIX = ".program"


def keep_programs():
    """Have the engine keep what it compiles; before it compiles anything. Returns the folder, or None."""
    if os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        return None
    folder = config.programs_folder()
    if folder is None or not _writable(folder):
        return None
    from jax._src import compilation_cache

    if hasattr(compilation_cache, "get_file_cache"):
        compilation_cache.get_file_cache = lambda path: (ProgramCache(path), path)
    jax.config.update("jax_compilation_cache_dir", os.fspath(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", LEAST_COMPILE_S)
    return folder


def _writable(folder):
    """May the folder be written, or made? Nothing is made yet: many programs compile nothing worth keeping."""
    there = next((place for place in (folder, *folder.parents) if place.exists()), None)
    return there is not None and os.access(there, os.W_OK | os.X_OK)


class ProgramCache:
    """Programs by key, each a file that appears whole and is checked when it is read.

    A file that cannot be read, or is not what was written, counts as none and is removed; one that cannot be written
    is let be: a cache may never be the reason that a training fails.
    """

    def __init__(self, path, most_bytes=MOST_BYTES):
        self._path = path  # the name by which JAX asks
        self.folder = Path(path)
        self.most_bytes = most_bytes

    def _file(self, key):
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()}{_SUFFIX}"

    def get(self, key):
        """The program kept under `key` as bytes, or None."""
        file = self._file(key)
        try:
            data = file.read_bytes()
            if hashlib.sha256(data[_DIGEST_BYTES:]).digest() == data[:_DIGEST_BYTES]:
                os.utime(file)  # used just now
                return data[_DIGEST_BYTES:]
            file.unlink()
        except OSError:
            pass
        return None

    def put(self, key, value):
        """Keep `value` (bytes) under `key`."""
        file = self._file(key)
        temporary = file.with_name(f".{file.name}-{secrets.token_hex(4)}.tmp")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.write_bytes(hashlib.sha256(value).digest() + value)
            os.replace(temporary, file)
            self._trim()
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()

    def _trim(self):
        found = sorted((entry.stat().st_mtime, entry.stat().st_size, entry.path) for entry in os.scandir(self.folder))
        size = sum(size for _, size, _ in found)
        for _, freed, path in found:
            if size <= self.most_bytes:
                break
            with contextlib.suppress(OSError):  # another process was quicker
                os.unlink(path)
            size -= freed

"""Reading a file that nobody trusts in a process of its own, so that what breaks there breaks nothing here."""

import json
import os
import subprocess
import sys
from pathlib import Path

from hornbeam.saving.errors import ModelFileError
from hornbeam.saving.packing import unpack
from hornbeam.saving.reading import kind_of, size_of

MEMORY_BYTES = 512 << 20  # what the reader may take beside a multiple of the file's own size
MEMORY_FACTOR = 8  # compressed files grow
DEADLINE_S = 20.0
SLOWEST_BYTES_PER_S = 20e6  # a large file gets this much longer


def read_apart(path, weights_only=False, memory_bytes=None, deadline_s=None):
    """What the file holds, read by a child process with bounds on its memory and time.

    The child writes no files, imports no engine, and hands back plain arrays. Where the system has no such bounds
    (Windows) only the deadline holds.

    Args:
        path: the file.
        weights_only: read weights and nothing else?
        memory_bytes: how much the child may take beside what it starts with; None goes by the file's size.
        deadline_s: seconds, None goes by the file's size.

    Raises:
        ModelFileError: the file is refused, or its reader crashed, hung or ran out of memory.
    """
    kind_of(path)  # a file that is none is told at once
    size = size_of(path)
    memory = MEMORY_BYTES + MEMORY_FACTOR * size if memory_bytes is None else int(memory_bytes)
    deadline = DEADLINE_S + size / SLOWEST_BYTES_PER_S if deadline_s is None else deadline_s
    request = {"path": os.path.abspath(os.fspath(path)), "weights_only": weights_only, "memory_bytes": memory,
               "seconds": int(deadline) + 1, "sys_path": sys.path}  # fmt: skip
    child = Path(__file__).with_name("isolated_reader.py")
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "HDF5_USE_FILE_LOCKING": "FALSE"}
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(child)], input=json.dumps(request).encode(), timeout=deadline,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ModelFileError(path, f"its reader had not come to an end after {deadline:g} s and was stopped",
                             "The file is damaged or made to hang.") from None  # fmt: skip
    return _answer(path, done, memory)


def _answer(path, done, memory):
    kind, data = done.stdout[:1], memoryview(done.stdout)[1:]
    if kind == b"m" and done.returncode == 0:
        return unpack(data, path)
    if kind == b"e" and done.returncode == 0:
        problem, cure = json.loads(bytes(data))
        raise ModelFileError(path, problem, cure)
    if kind == b"o":
        raise ModelFileError(path, f"reading it takes more than {memory >> 20} MB of memory",
                             "The file declares more than it holds, or is damaged.")  # fmt: skip
    how = f"signal {-done.returncode}" if done.returncode < 0 else f"status {done.returncode}"
    raise ModelFileError(path, f"its reader crashed ({how})", "The file is damaged or made to do harm.")

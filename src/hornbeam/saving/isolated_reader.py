"""The program of the child that reads an untrusted file: run as a script, never imported.

It stands in for the packages above it, whose own files would load an engine, and so starts in a fraction of a second.
"""

import json
import os
import sys
import types
from pathlib import Path


def _limit(memory_bytes, seconds):
    """Bound this process: memory beyond what it has now, processor time, files written (none), core dumps (none)."""
    try:
        import resource
    except ImportError:  # Windows
        return
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        present = pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        present = 1 << 30
    limits = {"RLIMIT_AS": present + memory_bytes, "RLIMIT_CPU": seconds, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0}
    for name, value in limits.items():
        number = getattr(resource, name, None)
        if number is None:
            continue
        _, hard = resource.getrlimit(number)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(number, (value, value))
        except (OSError, ValueError):  # a system that has the name and not the thing
            continue


def _serve():
    request = json.loads(sys.stdin.buffer.read())
    sys.path[:] = request["sys_path"]
    here = Path(__file__).resolve().parent
    for name, folder in (("hornbeam", here.parent), ("hornbeam.saving", here)):
        package = types.ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
    out = sys.stdout.buffer
    import h5py  # noqa: F401  (what is loaded before the limit does not count against it)

    from hornbeam.saving import hdf5, reading  # noqa: F401
    from hornbeam.saving.errors import ModelFileError
    from hornbeam.saving.packing import pack

    _limit(request["memory_bytes"], request["seconds"])
    try:
        read = reading.read_weights if request["weights_only"] else reading.read_model
        parts = pack(read(request["path"]))
    except ModelFileError as error:
        out.write(b"e" + json.dumps([error.problem, error.cure]).encode())
    except MemoryError:
        out.write(b"o")
    else:
        out.write(b"m")
        for part in parts:
            out.write(part)
    out.flush()
    os._exit(0)  # no library gets to clean up after a hostile file


if __name__ == "__main__":
    _serve()

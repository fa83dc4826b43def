"""The C allocator: why a training step does not give its memory back to the kernel, and when it is given back.

XLA on CPUs allocates outputs and one scratch area a call. glibc returns large blocks to the kernel at once, so every
step pays for its pages again: a small convolutional step spent 16.5 ms of system time a step on 10 760 page faults,
and 0.16 ms on none with the settings below. A step that needs 2.2 GB paid 1.2 s of system time for 530 000 faults.

The price: what is free lies there resident. So after a compilation, which is long anyway and comes before a program
takes its memory, whatever is free is given back if it is much: what data and weights were made with, and the compiler's
own.

Tried: JAX's asynchronous dispatch off, so that the next program always finds the scratch area free. Small predictions
took 85 microseconds, not 167, but steps fed by a generator 2.0 to 2.2 ms, not 1.8 to 1.9, and `train_on_batch` 2.7, not
2.5.
"""

import ctypes
import os
import sys
import time

# mallopt's parameter numbers from <malloc.h>, and the values: one arena, no mmap for large blocks, never trim, grow
# the heap 64 MiB at a time.
_SETTINGS = {
    "M_ARENA_MAX": (-8, 1),
    "M_MMAP_MAX": (-4, 0),
    "M_TRIM_THRESHOLD": (-1, -1),  # the largest int is 2 GiB, which a step may need
    "M_TOP_PAD": (-2, 64 << 20),
}

# A compilation leaves about 100 MB, in pieces that a program's scratch area does not fit into, but that the next
# compilation takes up again. Giving 75 MB back took 12 ms, and 30 ms for new pages later: little beside a compilation
# of a second or more, but those who compile one small model after the other should not pay it each time.
LEAST_BYTES_GIVEN_BACK = 192 << 20
LEAST_BYTES_AFTER_LONG = 32 << 20
LONG_S = 1.0


def tune_allocator():
    """Keep freed memory for the next step. Does nothing elsewhere than on Linux with glibc, or if
    ``HORNBEAM_KEEP_MALLOC`` is set.

    Returns:
        True if the settings were applied.
    """
    mallopt = _function("mallopt")
    return mallopt is not None and all(mallopt(number, value) for number, value in _SETTINGS.values())


def least_after(compile_s):
    """How many free bytes are worth giving back after a compilation of so many seconds."""
    return LEAST_BYTES_AFTER_LONG if compile_s >= LONG_S else LEAST_BYTES_GIVEN_BACK


_kept = 0  # bytes that no block of the allocator held and that it could not give back, last time


def give_back(least_bytes=LEAST_BYTES_GIVEN_BACK):
    """Give free memory back to the kernel if `least_bytes` have gathered. Returns True if that was done."""
    global _kept
    if _private_bytes() < least_bytes:
        return False
    now, trim = _mallinfo(), _function("malloc_trim")
    if now is None or trim is None:
        return False
    if max(0, _private_bytes() - now.uordblks - _kept) < least_bytes:
        return False
    trim(0)
    _kept = max(0, _private_bytes() - _mallinfo().uordblks)
    return True


_WAIT_S, _WAITS = 0.0005, 40  # for a program that was started to take its scratch area


def heap_size():
    """Bytes that the allocator has of the kernel, in use or free; 0 where that is not known."""
    now = _mallinfo()
    return 0 if now is None else now.arena


def give_back_beside(heap_size_before, least_bytes=LEAST_BYTES_GIVEN_BACK):
    """After a long program was started: if it took new memory for its scratch area beside as much that is free, give
    what is free back to the kernel while it computes. Returns True if that was done.

    The area is asked for at a multiple of 64 bytes: glibc (2.36) takes more and splits small blocks off on both sides,
    which the engine's thread then may keep for itself; as long as it does, what is free between them is too small by as
    much. Of sixteen trainings of the sentiment benchmark, nine held two areas of 1.13 GB sooner or later, one of
    them free. Memory is given back while the new area is in use, since before and after it would go back as well.
    """
    for _ in range(_WAITS if heap_size_before else 0):
        if heap_size() - heap_size_before >= least_bytes:
            break
        time.sleep(_WAIT_S)
    else:
        return False
    trim = _function("malloc_trim")
    return trim is not None and _mallinfo().fordblks >= least_bytes and bool(trim(0))


class _Mallinfo(ctypes.Structure):
    """glibc's mallinfo2."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    ]


def _mallinfo():
    """What the allocator holds, None where it does not tell."""
    function = _function("mallinfo2")
    if function is None:
        return None
    function.restype = _Mallinfo  # handed over through a pointer, which is left out without this
    return function()


def _function(name):
    """A function of glibc, or None where there is none or we are told to leave the allocator alone."""
    if not sys.platform.startswith("linux") or os.environ.get("HORNBEAM_KEEP_MALLOC"):
        return None
    try:
        return getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):  # musl and others have no mallopt
        return None


def _private_bytes():
    """What this process holds in memory beside files."""
    try:
        with open("/proc/self/statm") as file:
            _, resident, shared = file.read().split()[:3]
    except OSError:
        return 0
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")

"""The C allocator: why a training step does not give its memory back to the kernel, and when it is given back.

XLA on CPUs allocates outputs and one scratch area a call. glibc returns large blocks to the kernel at once, so every
step pays for its pages again: a small convolutional step spent 16.5 ms of system time a step on 10 760 page faults,
and 0.16 ms on none with the settings below. A step that needs 2.2 GB paid 1.2 s of system time for 530 000 faults.

The price: what is free lies there resident. So after a compilation, which is long anyway and comes before a program
takes its memory, whatever is free is given back if it is much: what data and weights were made with, and the compiler's
own.

Threads have arenas of their own, as glibc gives them. With one for all (the form before), two threads that compile
waited for each other at every small block: a small dense network took 720 ms to compile, 480 now, and steps took 5 to
10 % longer. Blocks of more than 64 MB that belong to another than the first thread are mapped anew each time, whatever
is set here, so programs are carried out by the thread that calls them (:func:`carry_out_at_once`): that is the first
one, unless somebody trains in a thread of their own, who pays for the pages of such blocks.
"""

import contextlib
import ctypes
import os
import sys
import threading

import jax

# mallopt's parameter numbers from <malloc.h>, and the values: no mmap for large blocks, never trim, grow the heap 64
# MiB at a time.
_SETTINGS = {
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


def carry_out_at_once():
    """Have programs on the CPU carried out by the thread that calls them, not handed over to one of the engine's.

    Handing over costs 50 to 80 microseconds a call: one row through a small network took 49, 16 now. What is to happen
    meanwhile has threads of its own (:class:`hornbeam.utils.workers.Feed`). Left as it is if
    ``JAX_CPU_ENABLE_ASYNC_DISPATCH`` is set; a program that has used the engine already keeps what it has.
    """
    if "JAX_CPU_ENABLE_ASYNC_DISPATCH" not in os.environ:
        jax.config.update("jax_cpu_enable_async_dispatch", False)


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


@contextlib.contextmanager
def giving_back_beside(least_bytes=LEAST_BYTES_GIVEN_BACK):
    """While a long program is carried out: if it took new memory for its scratch area beside as much that is free,
    give what is free back to the kernel.

    Small blocks come to lie where the area was, and what is free there is too small by as much. Of sixteen trainings
    of the sentiment benchmark, nine held two areas of 1.13 GB sooner or later, one of them free. Memory is given back
    while the new area is in use, since before and after it would go back as well.
    """
    heap_end, done = _heap_end(), threading.Event()
    if heap_end is None:
        yield
        return
    helper = threading.Thread(target=_give_back_beside, args=(heap_end, least_bytes, done), daemon=True)
    helper.start()
    try:
        yield
    finally:
        done.set()
        helper.join()


def _give_back_beside(heap_end, least_bytes, done):
    """Give back what is free as soon as the heap is larger than it was by `least_bytes`, for a short while."""
    trim = _function("malloc_trim")
    for _ in range(_WAITS):
        if _heap_end() - heap_end >= least_bytes:
            if _mallinfo().fordblks >= least_bytes:
                trim(0)
            return
        if done.wait(_WAIT_S):
            return


def _heap_end():
    """Where the first thread's heap ends, None where the allocator does not tell what is free, or is not ours to tune.

    Asked of the kernel, not of the allocator: `mallinfo2` walks all free blocks, of which a compiler leaves a hundred
    thousand, and nobody gets memory meanwhile. Asked 40 times a call, it made a step of ResNet50V2 take 760 ms for 460.
    """
    sbrk = _function("sbrk")
    if sbrk is None or _function("mallinfo2") is None:
        return None
    sbrk.argtypes, sbrk.restype = [ctypes.c_ssize_t], ctypes.c_void_p
    return sbrk(0)


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

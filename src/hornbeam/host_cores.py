"""How many cores of this machine the process may use, and what they can."""

import functools
import os


def usable_cores():
    """Number of cores that this process may use, 1 at least.

    Example:
        >>> usable_cores() >= 1
        True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def wide_vectors(told_by="/proc/cpuinfo"):
    """Do the cores multiply vectors of 512 bits (AVX-512)? False where the system does not tell.

    Args:
        told_by: file in which the system names what the cores can.

    Example:
        >>> wide_vectors() in (True, False)
        True
    """
    try:
        with open(told_by) as file:
            return "avx512f" in file.read().split()
    except OSError:
        return False

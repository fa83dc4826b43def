"""How many cores of this machine the process may use."""

import os


def usable_cores():
    """Number of cores that this process may use, 1 at least.

    Example:
        >>> usable_cores() >= 1
        True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

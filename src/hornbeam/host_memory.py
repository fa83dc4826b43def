"""Memory of the host that an engine can use in place."""

import math

import numpy as np


def room_for(shape, dtype):
    """An empty array to write into, which begins where engines can take it over (a multiple of 64 bytes)."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    room = np.empty(size + 64, np.uint8)
    start = -room.ctypes.data % 64
    return room[start : start + size].view(dtype).reshape(shape)

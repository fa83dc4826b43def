"""Memory of the host that an engine can use in place, or must copy."""

import math

import numpy as np


def room_for(shape, dtype, in_place=True):
    """An empty array to write into.

    Args:
        in_place: it begins where engines can take it over, at a multiple of 64 bytes: no copy, for what is read. False:
            it begins beside, so that they copy it into memory of their own, which a training step can write over.
    """
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    room = np.empty(size + 128, np.uint8)
    start = -room.ctypes.data % 64 + (0 if in_place else 16)
    return room[start : start + size].view(dtype).reshape(shape)

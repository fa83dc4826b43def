"""Where arrays begin that engines take over, and those they must copy."""

import numpy as np
import pytest

from hornbeam.host_memory import room_for


@pytest.mark.parametrize(("in_place", "begins"), [(True, 0), (False, 16)])
def test_where_a_room_begins(in_place, begins):
    rooms = [room_for((3, size), "float32", in_place) for size in range(1, 40)]  # all kept, so no address comes twice
    assert {room.ctypes.data % 64 for room in rooms} == {begins}
    assert all(room.shape == (3, size) and room.dtype == np.float32 for size, room in enumerate(rooms, 1))
    assert all(room.flags.writeable and room.flags.c_contiguous for room in rooms)


def test_rooms_without_numbers():
    assert room_for((0, 3), "int64").size == 0
    assert room_for((), "uint8").shape == ()

"""Arrays out of .npz files: what NumPy writes comes back, and what is something else is refused."""

import io
import zipfile

import numpy as np
import pytest

from hornbeam.datasets.npz import read_npz

RAGGED = np.empty(2, object)
RAGGED[:] = [[1, 2], [3]]


def written(tmp_path, **members):
    file = tmp_path / "x.npz"
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_back_in_the_order_asked_for(tmp_path, save):
    file = tmp_path / "x.npz"
    save(file, a=np.arange(6.0).reshape(2, 3), b=RAGGED, c=np.asfortranarray(np.arange(6).reshape(2, 3)))
    c, b, a = read_npz(file, ["c", "b", "a"])
    assert a.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert b.tolist() == [[1, 2], [3]]
    assert c.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert a.dtype == "float64"
    assert a.flags.writeable


WRONG = {
    "no array": b"hello",
    "text": npy(np.array(["x"])),
    "more rows than there are": npy(np.zeros(3))[:-8],
    "a huge shape": npy(np.zeros(3)).replace(b"(3,), }        ", b"(9999999999,), }"[:16].ljust(16)),
    "a header of the future": b"\x93NUMPY\x09\x00" + npy(np.zeros(3))[8:],
    "another shape inside": npy(RAGGED).replace(b"(2,)", b"(3,)"),
    "a list inside": npy(RAGGED)[:128] + b"\x80\x02].",
    "a call inside": npy(RAGGED)[:128] + b"\x80\x02cos\nmkdir\nX\3\0\0\0run\x85R.",
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_members_that_are_something_else(tmp_path, content):
    file = written(tmp_path, x=content)
    with pytest.raises(ValueError, match=r"x.npz cannot be read .*Delete it and fetch it again"):
        read_npz(file, ["x"])


def test_a_name_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"no item named 'y.npy'"):
        read_npz(written(tmp_path, x=npy(np.zeros(3))), ["y"])


def test_no_archive(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"<html>")
    with pytest.raises(ValueError, match="File is not a zip file"):
        read_npz(tmp_path / "x.npz", ["x"])

"""The limits that readers share: what passes, what does not, and that nothing is written that could not be read."""

import io
import json
import zipfile
import zlib

import numpy as np
import pytest

from hornbeam.saving import guards
from hornbeam.saving.errors import MissingModelFileError, ModelFileError


@pytest.mark.parametrize("value", [{}, [], 1, None, "\ud800", {"a": [1, 2.5, "[{\"\\", {"b": None}]}, "é" * 100])
def test_json_passes(value):
    assert guards.read_json(json.dumps(value)) == value
    assert guards.read_json(json.dumps(value, ensure_ascii=value == "\ud800").encode()) == value


@pytest.mark.parametrize("deep", [True, False])
def test_depth_counts_brackets_outside_texts_only(deep):
    text = '"[[["' if not deep else "[" * 201 + "]" * 201
    if deep:
        with pytest.raises(ModelFileError, match="201 levels, at most 200"):
            guards.read_json(text)
    else:
        assert guards.read_json(f'[{",".join([text] * 300)}]')[0] == "[[["
        assert guards.read_json("[" * 200 + "]" * 200)


@pytest.mark.parametrize(
    ("text", "match"),
    [("", "not valid JSON"), ("{", "not valid JSON"), (b"\xff", "not valid JSON"), ('"open', "not valid JSON"),
     ("[1, 2", "not valid JSON"), ("1" * 5000, "not valid JSON"), (None, "not a JSON text but NoneType"),
     ("[" + "[]," * 300_001 + "[]]", "lists and dicts"), ("[" + "1," * 1_000_001 + "1]", "too many values"),
     ('"' * 2_000_001, "too many texts"), ('"\\"' * 400_000, "not valid JSON")],
    ids=range(11),
)  # fmt: skip
def test_json_is_refused(text, match):
    with pytest.raises(ModelFileError, match=match):
        guards.read_json(text)


def test_a_long_text_is_refused(monkeypatch):
    monkeypatch.setattr(guards, "MOST_JSON_BYTES", 10)
    with pytest.raises(ModelFileError, match="m.json: the metadata is refused: 11 characters, at most 10"):
        guards.read_json('"' + "x" * 9 + '"', "m.json", "the metadata")


@pytest.mark.parametrize("value", [["x" * 20], [[[[[]]]]], list(range(9))])
def test_what_could_not_be_read_is_not_written(value, monkeypatch):
    for name, most in (("MOST_JSON_BYTES", 20), ("MOST_DEPTH", 4), ("MOST_VALUES", 7)):
        monkeypatch.setattr(guards, name, most)
    with pytest.raises(ValueError, match="Put large constants into weights"):
        guards.write_json(value)
    assert guards.read_json(guards.write_json([1, 2])) == [1, 2]


def test_errors_become_one_kind_with_a_reason(tmp_path):
    for error, match in (
        (KeyError("a"), "cannot read the x .KeyError"), (RecursionError(), "cannot read"),
        (MemoryError(), "cannot read"), (PermissionError(13, "no"), "may not be read"),
        (IsADirectoryError(21, "dir"), "a folder"),
    ):  # fmt: skip
        with pytest.raises(ModelFileError, match=match), guards.refusing(tmp_path / "m", "the x"):
            raise error
    with pytest.raises(MissingModelFileError), guards.refusing("m", "x"), open(tmp_path / "none"):
        pass
    with pytest.raises(KeyboardInterrupt), guards.refusing("m", "x"):
        raise KeyboardInterrupt


# --- Archives ---

CONTENT = np.random.default_rng(0).bytes(3_000_000)


@pytest.fixture(params=[zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
def archive(request, tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", request.param) as file:
        file.writestr("folder/", b"")
        file.writestr("small.txt", b"hello")
        file.writestr("folder/large", CONTENT)
    with guards.GuardedZip(path) as found:
        yield found


def test_members(archive):
    assert archive.names == ["small.txt", "folder/large"]
    assert "small.txt" in archive
    assert "folder/" not in archive
    assert archive.size("folder/large") == len(CONTENT)
    assert archive.read("small.txt") == b"hello"
    with pytest.raises(ModelFileError, match="no member 'other'"):
        archive.read("other")
    with pytest.raises(ModelFileError, match="at most 10"):
        archive.read("folder/large", 10)


def test_a_member_as_a_file(archive):
    with archive.open("folder/large") as file:
        assert file.seek(-5, io.SEEK_END) == len(CONTENT) - 5
        assert file.read() == CONTENT[-5:]
        assert file.read() == b""
        assert file.seek(1_000) == file.tell() == 1_000
        buffer = np.zeros(10, "u2")
        assert file.readinto(buffer) == 20
        assert buffer.tobytes() == CONTENT[1_000:1_020]
        file.seek(5, io.SEEK_CUR)
        assert file.read(3) == CONTENT[1_025:1_028]
        file.seek(len(CONTENT) + 10)
        assert file.read(4) == b""
        assert file.readinto(bytearray(4)) == 0


def test_a_window_is_enough_for_hdf5(tmp_path):
    import h5py

    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["x"] = np.arange(1000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("first", b"1234567")
        archive.write(tmp_path / "x.h5", "x.h5")
    with guards.GuardedZip(tmp_path / "a.zip") as archive, archive.open("x.h5") as member, h5py.File(member) as file:
        np.testing.assert_array_equal(file["x"][:], np.arange(1000))


@pytest.mark.parametrize("how", ["read", "open", "stream"])
def test_a_checksum_is_checked_however_the_member_is_read(how, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("m", b"content")
    data = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(data.replace(b"content", b"c0ntent"))

    def read(archive):
        if how == "read":
            return archive.read("m")
        with getattr(archive, how)("m") as file:
            return file.read(100)

    with guards.GuardedZip(tmp_path / "a.zip") as archive, pytest.raises(ModelFileError, match="Bad CRC"):
        read(archive)


def test_a_member_that_lies_about_its_size_takes_no_memory(tmp_path, monkeypatch):
    """zipfile would unpack all that is packed before it cuts it: a bomb, whatever size it declares."""
    packed = zlib.compress(bytes(50_000_000), 9)[2:-4]
    name = b"m"
    local = b"PK\3\4" + b"\x14\0\0\0\x08\0\0\0\x21\0" + bytes(4) + len(packed).to_bytes(4, "little")
    local += (10).to_bytes(4, "little") + b"\1\0\0\0" + name
    entry = b"PK\1\2\x14\3" + local[4:30] + bytes(2 + 2 + 2 + 4) + bytes(4) + name
    end = b"PK\5\6" + bytes(4) + b"\1\0\1\0" + len(entry).to_bytes(4, "little")
    end += (len(local) + len(packed)).to_bytes(4, "little") + bytes(2)
    (tmp_path / "a.zip").write_bytes(local + packed + entry + end)
    largest = []
    real = zipfile.ZipExtFile.read

    def noting(stream, size=-1):
        part = real(stream, size)
        largest.append(len(part))
        return part

    monkeypatch.setattr(zipfile.ZipExtFile, "read", noting)
    with guards.GuardedZip(tmp_path / "a.zip") as archive, pytest.raises(ModelFileError, match="CRC"):
        archive.read("m")
    assert max(largest, default=0) <= guards.CHUNK

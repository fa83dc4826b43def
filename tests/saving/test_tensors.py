"""Weights in .npz and .safetensors files: what goes in comes out, others' are read, every changed bit is found."""

import io
import json
import struct
import zipfile

import numpy as np
import pytest

from hornbeam.saving import guards, tensors
from hornbeam.saving.errors import MissingModelFileError, ModelFileError
from hornbeam.saving.stored import Origin, StoredLayer, StoredModel

FORMATS = {
    "npz": (tensors.write_npz, tensors.read_npz),
    "safetensors": (tensors.write_safetensors, tensors.read_safetensors),
}


@pytest.fixture(params=FORMATS)
def suffix(request):
    return request.param


def model_of(*layers):
    return StoredModel(layers=[StoredLayer(name, list(weights)) for name, weights in layers],
                       origin=Origin("h5", "2.2.4", "tensorflow"))  # fmt: skip


def round_trip(stored, suffix, path):
    write, read = FORMATS[suffix]
    write(stored, path)
    return read(path)


def same(one, other):
    return [(layer.name, [(name, value.dtype.name, value.tolist()) for name, value in layer.weights])
            for layer in one.layers] == [
        (layer.name, [(name, value.dtype.name, value.tolist()) for name, value in layer.weights])
        for layer in other.layers
    ]  # fmt: skip


def test_order_names_and_layers_without_weights(suffix, tmp_path):
    stored = model_of(
        ("input_1", []), ("z", [("z/kernel:0", np.ones((2, 3), "f4")), ("z/bias:0", np.zeros(3, "f4"))]),
        ("a", [("other/kernel:0", np.arange(4.0)), ("other/kernel:0", np.arange(2.0))]), ("flatten", []),
    )  # fmt: skip
    found = round_trip(stored, suffix, tmp_path / "w")
    assert same(found, stored)
    assert (found.architecture, found.training, found.optimizer_weights) == (None, None, None)
    assert found.origin == Origin(suffix, "2.2.4", "tensorflow")


@pytest.mark.parametrize(
    "value",
    [np.float32(3), np.zeros((0, 3), "f2"), np.array([True, False]), np.arange(6, dtype=">i4").reshape(2, 3).T,
     np.arange(3, dtype="u1"), np.array([np.nan, np.inf, -0.0]), np.arange(24.0).reshape(2, 3, 4)[:, ::2],
     np.array([1 + 2j], "c8"), np.asfortranarray(np.arange(6.0).reshape(2, 3))],
    ids=lambda value: f"{value.dtype}{list(value.shape)}",
)  # fmt: skip
def test_types_and_layouts(value, suffix, tmp_path):
    found = round_trip(model_of(("l", [("w", value)])), suffix, tmp_path / "w").layers[0].weights[0][1]
    assert found.shape == value.shape
    assert found.dtype.name == value.dtype.name
    np.testing.assert_array_equal(found, value)
    assert found.flags.writeable


def test_bfloat16(suffix, tmp_path):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    stored = model_of(("l", [("w", np.array([[1.5, -2.0]], ml_dtypes.bfloat16))]))
    assert same(round_trip(stored, suffix, tmp_path / "w"), stored)


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "a/../b", "a\\b", "ü", "", "w.npy", "__metadata__", "a\0b",
                                  "hornbeam_manifest", "\ud800"])  # fmt: skip
def test_any_name(name, suffix, tmp_path):
    stored = model_of((name, [(name, np.ones(1)), ("w", np.zeros(1))]))
    assert same(round_trip(stored, suffix, tmp_path / "w"), stored)
    assert [p.name for p in tmp_path.iterdir()] == ["w"]


def test_equal_weights_make_equal_files(tmp_path):
    stored = model_of(("l", [("w", np.arange(5.0))]))
    files = []
    for name in ("one", "two"):
        round_trip(stored, "npz", tmp_path / name)
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1]


def test_what_safetensors_cannot_hold_is_said_when_saving(tmp_path):
    with pytest.raises(ValueError, match="cannot hold. Save to .npz"):
        tensors.write_safetensors(model_of(("l", [("w", np.ones(1, "c16"))])), tmp_path / "w")


@pytest.mark.parametrize("value", [np.array([object()]), np.array(["text"]), np.zeros(1, "f4,i4"), np.zeros(1, "M8")])
def test_only_numbers_are_written(value, suffix, tmp_path):
    with pytest.raises(ValueError, match="only numbers are saved"):
        FORMATS[suffix][0](model_of(("l", [("w", value)])), tmp_path / "w")


# --- Other programs ---


def test_other_programs_read_ours(suffix, tmp_path):
    round_trip(model_of(("dense", [("dense/kernel:0", np.ones((2, 3), "f4"))])), suffix, tmp_path / "w.npz")
    if suffix == "npz":
        with np.load(tmp_path / "w.npz") as file:
            found = {name: file[name] for name in file.files}
    else:
        from safetensors.numpy import load_file

        found = load_file(tmp_path / "w.npz")
    np.testing.assert_array_equal(found["dense/kernel:0"], np.ones((2, 3), "f4"))


def test_ours_reads_other_programs(suffix, tmp_path):
    from safetensors.numpy import save_file

    arrays = {"dense/kernel:0": np.ones((2, 3), "f4"), "dense/bias:0": np.zeros(3, "f4"), "b.c.w": np.arange(2)}
    if suffix == "npz":
        np.savez_compressed(tmp_path / "w.npz", **arrays)
    else:
        save_file(arrays, tmp_path / "w.npz")
    found = FORMATS[suffix][1](tmp_path / "w.npz")
    layers = {layer.name: dict(layer.weights) for layer in found.layers}
    assert set(layers) == {"dense", "b.c"}
    for name, value in arrays.items():
        np.testing.assert_array_equal(layers["b.c" if name == "b.c.w" else "dense"][name], value)
    assert found.origin == Origin(suffix)


# --- Damage ---


def refused(suffix, path, match):
    with pytest.raises(ModelFileError, match=match) as error:
        FORMATS[suffix][1](path)
    assert str(path) in str(error.value)


@pytest.fixture
def whole(suffix, tmp_path):
    """A small file of ours: (path, its bytes, its model)."""
    stored = model_of(("dense", [("dense/kernel:0", np.arange(6, dtype="f4").reshape(2, 3))]))
    round_trip(stored, suffix, tmp_path / "w")
    return tmp_path / "w", (tmp_path / "w").read_bytes(), stored


def test_no_changed_bit_changes_a_number(suffix, whole):
    path, data, stored = whole
    read = FORMATS[suffix][1]
    loaded = 0
    for at in range(0, len(data), 5):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])
        try:
            found = read(path)
        except ModelFileError:
            continue
        loaded += 1
        assert same(found, stored), f"byte {at}"
    assert loaded < len(data) // 15, "bits that mean nothing (dates, padding) are few"


def test_a_file_cut_short(suffix, whole):
    path, data, _ = whole
    for size in [0, 1, 7, 8, 9, *range(10, len(data), 17), len(data) - 1]:
        path.write_bytes(data[:size])
        with pytest.raises(ModelFileError):
            FORMATS[suffix][1](path)


def test_a_tensor_exchanged_with_a_correct_checksum(whole, suffix):
    """Somebody rewrites the container and not the manifest: the container is in order, the numbers are others."""
    path, data, _ = whole
    if suffix == "npz":
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(path, "w") as new:
            for name in old.namelist():
                content = old.read(name)
                new.writestr(name, content if "manifest" in name else content[:-4] + b"\0\0\0\1")
    else:
        path.write_bytes(data[:-4] + b"\0\0\0\1")
    refused(suffix, path, "not what its SHA-256 says")


def test_a_manifest_taken_away_from_a_safetensors_file(tmp_path):
    round_trip(model_of(("l", [("w", np.ones(1))])), "safetensors", tmp_path / "w")
    data = (tmp_path / "w").read_bytes()
    (tmp_path / "w").write_bytes(data.replace(b'"hornbeam_manifest":', b'"hornbeam_manifesT":'))
    refused("safetensors", tmp_path / "w", "its manifest is missing")


def test_a_manifest_that_lost_its_name(whole, suffix):
    """Found by mutants: both names damaged, and the file passed for one of another program's, with nothing to check."""
    path, data, _ = whole
    path.write_bytes(data.replace(b"hornbeam_manifest", b"hornbean_manifest"))
    refused(suffix, path, "its manifest is missing")


@pytest.mark.parametrize("field", [8, 10, 12, 16])
def test_an_archive_whose_end_is_damaged(field, tmp_path):
    """Found by mutants: an end that lists no members made an archive without weights."""
    round_trip(model_of(("l", [("w", np.ones(1))])), "npz", tmp_path / "w")
    data = bytearray((tmp_path / "w").read_bytes())
    end = data.rindex(b"PK\5\6")
    data[end + field] ^= 1
    (tmp_path / "w").write_bytes(data)
    if field != 8:  # how many members are on this disk; there are no other disks
        refused("npz", tmp_path / "w", "archive|list")
    data[end:] = b"PK\5\6" + bytes(18)
    (tmp_path / "w").write_bytes(data)
    refused("npz", tmp_path / "w", "not whole")


def test_a_missing_file(suffix, tmp_path):
    with pytest.raises(MissingModelFileError, match="no such file"):
        FORMATS[suffix][1](tmp_path / "none")
    refused(suffix, tmp_path, "this is a folder")


# --- Headers made by hand ---


def npy(header, data=b"", version=1):
    text = header.encode("latin1")
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + data


def npz(path, content, name="w.npy", **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr(name, content)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"cos\nsystem\n"), "no plain number"),
        (npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", bytes(4)), "plain numbers"),
        (npy("{'descr': '<U9', 'fortran_order': False, 'shape': (1,), }", bytes(36)), "no plain number"),
        (npy("{'descr': '|V4', 'fortran_order': False, 'shape': (1,), }", bytes(4)), "no plain number"),
        (npy("{'descr': '<M8', 'fortran_order': False, 'shape': (1,), }", bytes(8)), "no plain number"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000000,), }", bytes(4)), "4 bytes are"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }"), "0 bytes are there"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", bytes(4)), "plain numbers"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (True,), }", bytes(4)), "plain numbers"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': " + "(" * 900 + ")" * 900 + ", }"), "plain numbers"),
        (npy("__import__('os').system('true')"), "plain numbers"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1, " * 40 + "), }", bytes(4)), "at most 32"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }" + " " * 9000, bytes(4)), "at most 4096"),
        (b"\x93NUMPY\x02\0\xff\xff\xff\xff" + bytes(20), "at most 4096"),
        (b"\x93NUMPY\x09\0\x10\0" + bytes(20), "not an array of NumPy"),
        (b"\x93NUM", "not an array of NumPy"),
        (b"", "not an array of NumPy"),
        (b"\x80\x04\x95cos\nsystem\n(S'true'\ntR.", "not an array of NumPy"),
    ],
    ids=range(18),
)
def test_headers_of_npy(content, match, tmp_path):
    npz(tmp_path / "w", content)
    refused("npz", tmp_path / "w", match)


def test_members_that_are_no_arrays(tmp_path):
    npz(tmp_path / "w", b"cos\nsystem\n", "w.pkl")
    refused("npz", tmp_path / "w", "no .npy array")


def safetensors(path, header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)


def entry(dtype="F32", shape=(1,), offsets=(0, 4), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}


@pytest.mark.parametrize(
    ("header", "size", "match"),
    [
        ({"a": entry(offsets=(0, 8))}, 8, "8 bytes are there"),
        ({"a": entry(), "b": entry()}, 4, "overlap"),
        ({"a": entry(shape=(2,), offsets=(0, 8)), "b": entry(offsets=(4, 8))}, 8, "overlap"),
        ({"a": entry(), "b": entry(offsets=(8, 12))}, 12, "hole"),
        ({"a": entry()}, 8, "4 bytes, but 8 are there"),
        ({"a": entry()}, 0, "4 bytes, but 0 are there"),
        ({"a": entry(shape=(1 << 62,), offsets=(0, 1 << 62))}, 4, "bytes are there"),
        ({"a": entry(shape=(1 << 64,))}, 4, "entry of the tensor 'a'"),
        ({"a": entry(shape=(-1,))}, 4, "entry of the tensor 'a'"),
        ({"a": entry(shape=(True,))}, 4, "entry of the tensor 'a'"),
        ({"a": entry(shape=(1.0,))}, 4, "entry of the tensor 'a'"),
        ({"a": entry(offsets=(4, 0))}, 4, "entry of the tensor 'a'"),
        ({"a": entry(offsets=(-4, 0))}, 4, "entry of the tensor 'a'"),
        ({"a": entry("OBJECT")}, 4, "entry of the tensor 'a'"),
        ({"a": entry(["F32"])}, 4, "entry of the tensor 'a'"),
        ({"a": entry(pickle="x")}, 4, "entry of the tensor 'a'"),
        ({"a": [1]}, 4, "entry of the tensor 'a'"),
        ({"a": None}, 4, "entry of the tensor 'a'"),
        ({"a": entry(shape=(1,) * 40)}, 4, "at most 32"),
        ({"__metadata__": [1]}, 0, "dict of texts"),
        ({"__metadata__": {"a": 1}}, 0, "dict of texts"),
        ([1, 2], 0, "not a dict"),
        (b"{" + b'"a":[' * 50_000, 0, "levels"),
        (b'{"a"', 0, "not valid JSON"),
        (b"{\xff}", 0, "not valid JSON"),
    ],
    ids=range(25),
)
def test_headers_of_safetensors(header, size, match, tmp_path):
    safetensors(tmp_path / "w", header, bytes(size))
    refused("safetensors", tmp_path / "w", match)


@pytest.mark.parametrize("length", [0, 1, 1 << 20, 1 << 32, 1 << 63, (1 << 64) - 1])
def test_lengths_of_safetensors_headers(length, tmp_path):
    safetensors(tmp_path / "w", {"a": entry()}, bytes(4), length)
    refused("safetensors", tmp_path / "w", "header")


def test_a_safetensors_header_larger_than_any(tmp_path):
    safetensors(tmp_path / "w", b" " * (guards.MOST_JSON_BYTES + 1))
    refused("safetensors", tmp_path / "w", "at most")

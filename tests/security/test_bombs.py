"""Small files that declare enormous things: each is refused in under a second and 300 MB."""

import json
import struct
import sys
import zipfile

import pytest

import without_engine
from security import hostile_files

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="measurements of Linux")
SECONDS, BYTES = 3.0, 300 << 20  # the slowest took 0.25 s of the processor where this was written
MANY = 1_000_000


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A folder with a good .h5 of strangers' layout and the members of a good .keras."""
    import h5py

    folder = tmp_path_factory.mktemp("bombs")
    stored = without_engine.small_model(1, 4)
    for suffix in ("h5", "keras"):
        without_engine.writer_and_reader(suffix)[0](stored, folder / f"good.{suffix}")
    with h5py.File(folder / "good.h5", "r+") as file:
        for name in [name for name in file.attrs if name.startswith("hornbeam")]:
            del file.attrs[name]
        # The hostile datasets are made in the place of this one.
        file["model_weights/good/good/kernel:0"] = [1.0]
    with zipfile.ZipFile(folder / "good.keras") as archive:
        return folder, {name: archive.read(name) for name in archive.namelist()}


def zipped(path, members, **how):
    with zipfile.ZipFile(path, "w", **how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def npz(path, header, size=8):
    text = header.encode()
    zipped(path, {"w.npy": b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + bytes(size)})


def safetensors(path, text, size=0):
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(size))


DEFLATED = {"compression": zipfile.ZIP_DEFLATED, "compresslevel": 1}
ENTRY = '{"class_name":"Dense","config":{"name":"d","units":1}}'
EMPTY = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
TENSOR = {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}


def config_in_h5(text):
    def build(path, folder, members):
        import h5py

        path.write_bytes((folder / "good.h5").read_bytes())
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = text().encode()

    return build


def config_in_keras(text):
    return lambda path, folder, members: zipped(path, {**members, "config.json": text()})


def in_h5(name):
    def build(path, folder, members):
        path.write_bytes((folder / "good.h5").read_bytes())
        hostile_files.hostile_hdf5()[0][name](path, folder)

    return build


def in_npz(header):
    return lambda path, folder, members: npz(path, header)


TEXTS = {
    "depth 1e5": lambda: "[" * 100_000 + "]" * 100_000,
    "dicts 1e5 deep": lambda: '{"a":' * 100_000 + "1" + "}" * 100_000,
    "1e6 layers": lambda: '{"class_name":"Sequential","config":{"layers":[' + ",".join([ENTRY] * MANY) + "]}}",
    "1e6 lists": lambda: "[" + "[]," * MANY + "[]]",
    "1e7 numbers": lambda: "[" + "1," * (8 * MANY) + "1]",
    "a text of 64 MB": lambda: '"' + "x" * (64 << 20) + '"',
    "1e6 digits": lambda: "1" * MANY,
    "quotes": lambda: '"\\"' * (5 * MANY),
}

BOMBS = {
    **{f"h5, configuration of {name}": config_in_h5(text) for name, text in TEXTS.items()},
    **{f"keras, configuration of {name}": config_in_keras(text) for name, text in TEXTS.items()},
    **{f"h5, {name}": in_h5(name) for name in (
        "4 TB contiguous", "4 TB in chunks", "4 TB packed", "16 EB", "one chunk of 2 GB", "packed bomb",
        "nothing stored", "circle of groups", "deep groups")},
    "keras, 1:1000": lambda path, folder, members: zipped(path, {
        **members, "model.weights.h5": bytes(100_000_000)}, **DEFLATED),
    "keras, 1:1000 as configuration": lambda path, folder, members: zipped(path, {
        **members, "config.json": bytes(100_000_000)}, **DEFLATED),
    "keras, archive in an archive": lambda path, folder, members: zipped(path, {
        **members, "model.weights.h5": _inner()}, **DEFLATED),
    "keras, many members": lambda path, folder, members: path.write_bytes(hostile_files._many(150_000)),
    "npz, 1:1000": lambda path, folder, members: zipped(path, {"w.npy": bytes(100_000_000)}, **DEFLATED),
    "npz, header 1e15": in_npz("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000000,), }"),
    "npz, header 1e30": in_npz("{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000, 10000000000, "
                               "10000000000), }"),
    "npz, brackets": in_npz("{'descr': '<f4', 'fortran_order': False, 'shape': " + "(" * 9000),
    "npz, many members": lambda path, folder, members: path.write_bytes(
        hostile_files._many(150_000).replace(b"\0\0a", b"\0\0a", 1)),
    "safetensors, 4 TB": lambda path, folder, members: safetensors(path, json.dumps({"a": TENSOR}).encode(), 8),
    "safetensors, depth": lambda path, folder, members: safetensors(path, b'{"a":' + b"[" * 100_000),
    "safetensors, 150 000 tensors": lambda path, folder, members: safetensors(
        path, json.dumps(dict.fromkeys(map(str, range(150_000)), EMPTY)).encode()),
    "safetensors, header of 2^63": lambda path, folder, members: path.write_bytes(
        struct.pack("<Q", 1 << 63) + b"{" + bytes(100)),
}  # fmt: skip


def _inner():
    import io

    file = io.BytesIO()
    zipped(file, {"a": bytes(100_000_000)}, **DEFLATED)
    return file.getvalue()


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused(name, reader, good, tmp_path):
    folder, members = good
    path = tmp_path / "bomb"
    BOMBS[name](path, folder, members)
    answer = reader.ask(path, None, "model")
    assert answer["outcome"] == "refused", answer
    assert answer["peak_bytes"] < BYTES, answer
    assert answer["cpu_seconds"] < SECONDS, answer  # of its own: the machine may be busy


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_refused(name, reader, tmp_path):
    path = tmp_path / "bomb.json"
    path.write_text(TEXTS[name]())
    answer = reader.ask(path, None, "json")
    assert answer["outcome"] == "refused", answer
    assert answer["peak_bytes"] < BYTES, answer
    assert answer["cpu_seconds"] < SECONDS, answer  # of its own: the machine may be busy


def test_memory_is_measured(reader, tmp_path):
    """A harmless file of 64 MB takes its 64 MB: so what the others do not take is really not taken."""
    npz(tmp_path / "w", "{'descr': '<f4', 'fortran_order': False, 'shape': (16000000,), }", 64_000_000)
    answer = reader.ask(tmp_path / "w", None, "weights")
    assert answer["outcome"] == "same", answer
    assert 60_000_000 < answer["peak_bytes"] < 2 * 64_000_000 + (200 << 20)

"""Hostile HDF5 files, made by hand: each is refused with its reason, before anything is read, and quickly."""

import os
import struct
import sys
import time

import h5py
import numpy as np
import pytest

from hornbeam.saving.errors import ModelFileError
from hornbeam.saving.hdf5_guard import MOST_DEPTH, GuardedFile
from security.watching import FolderWatch

resource = pytest.importorskip("resource", reason="not on Windows")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices of Unix")

SECRET = b"secret!!" * 64
SECONDS = 5  # of the processor, whatever else the machine does; what these files are made to cost is minutes


def soft_link(file, _):
    file["here"] = np.ones(3)
    file["there"] = h5py.SoftLink("/here")


def soft_loop(file, _):
    file["a"] = h5py.SoftLink("/b")
    file["b"] = h5py.SoftLink("/a")


def external_link(file, folder):
    file["weights"] = h5py.ExternalLink(str(folder / "other.h5"), "/secret")


def nested_external_link(file, folder):
    file.create_group("model_weights/dense")["kernel:0"] = h5py.ExternalLink(str(folder / "other.h5"), "/secret")


def external_storage(file, folder):
    file.create_dataset("w", (64,), "f8", external=[(str(folder / "secret.bin"), 0, 512)])


def external_passwd(file, _):
    file.create_dataset("w", (64,), "u1", external=[("/etc/passwd", 0, 64)])


def virtual_dataset(file, folder):
    layout = h5py.VirtualLayout((3,), "f8")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "secret", (3,))
    file.create_virtual_dataset("w", layout)


def virtual_pattern(file, folder):
    layout = h5py.VirtualLayout((3,), "f8", maxshape=(None,))
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "secret", (3,))
    file.create_virtual_dataset("w", layout)


def hard_link_circle(file, _):
    group = file.create_group("circle/inner")
    group["up"] = file["circle"]


def root_circle(file, _):
    file.create_group("a")["root"] = file["/"]


def one_dataset_twice(file, _):
    file["a"] = np.ones(1000)
    file["b"] = file["a"]


def four_terabytes(file, _):
    file.create_dataset("w", (1 << 40,), "f4")


def four_terabytes_in_chunks(file, _):
    file.create_dataset("w", (1 << 40,), "f4", chunks=(1 << 20,), compression="gzip")


def huge_chunk(file, _):
    file.create_dataset("w", (1 << 20,), "f4", chunks=(1 << 20,), compression="gzip", maxshape=(None,))[0] = 1
    file.create_dataset("v", (10,), "f4", chunks=((1 << 28),), maxshape=(None,))


def gzip_bomb(file, _):
    dataset = file.create_dataset("w", (1 << 27,), "u1", chunks=(1 << 24,), compression="gzip", compression_opts=1)
    dataset[:] = 0


def nothing_stored(file, _):
    file.create_dataset("w", (100,), "f4")


def other_filter(file, _):
    file.create_dataset("w", data=np.ones(100, "f4"), chunks=(10,), compression="lzf")


def scale_offset(file, _):
    file.create_dataset("w", data=np.ones(100, "i4"), chunks=(10,), scaleoffset=3)


def checksum_filter(file, _):
    file.create_dataset("w", data=np.ones(100, "i4"), chunks=(10,), fletcher32=True)


def object_reference(file, _):
    file["a"] = np.ones(3)
    file.create_dataset("w", data=np.array([file["a"].ref], dtype=h5py.ref_dtype))


def region_reference(file, _):
    file["a"] = np.ones(3)
    file.create_dataset("w", data=np.array([file["a"].regionref[:1]], dtype=h5py.regionref_dtype))


def variable_length(file, _):
    dataset = file.create_dataset("w", (2,), h5py.vlen_dtype("i4"))
    dataset[0] = [1, 2, 3]
    dataset[1] = [1]


def texts(file, _):
    file.create_dataset("w", data=["a", "b"], dtype=h5py.string_dtype())


def fixed_texts(file, _):
    file["w"] = np.array([b"abc", b"def"])


def compound(file, _):
    file["w"] = np.zeros(3, [("a", "f4"), ("b", "S9")])


def opaque(file, _):
    file["w"] = np.void(b"\0" * 16)


def wide_floats(file, _):
    file["w"] = np.ones(3, np.longdouble)


def enumeration(file, _):
    file.create_dataset("w", data=np.array([1], "i1"), dtype=h5py.enum_dtype({"A": 1, "B": 2}, "i1"))


def array_type(file, _):
    file["w"] = np.zeros(3, [("a", "f4", (2,))])["a"].view([("x", "f4", (2,))])


def empty_space(file, _):
    file["w"] = h5py.Empty("f4")


def named_type(file, _):
    file["t"] = np.dtype("f8")


def too_deep(file, _):
    file.create_group("/".join("d" * (MOST_DEPTH + 1)))


def long_name(file, _):
    file.create_group("x" * 5000)


def not_utf8(file, _):
    h5py.h5g.create(file.id, b"\xff\xfe")


REFUSED = {
    soft_link: "soft link", soft_loop: "soft link", external_link: "link into another file",
    nested_external_link: "link into another file", external_storage: "another file",
    external_passwd: "another file", virtual_dataset: "virtual", virtual_pattern: "virtual",
    hard_link_circle: "two ways", root_circle: "two ways", one_dataset_twice: "two ways",
    four_terabytes: "declares", four_terabytes_in_chunks: "declares", huge_chunk: "pieces|declares",
    gzip_bomb: "unpack|declares", nothing_stored: "declares 400 bytes, of which 0",
    other_filter: "filter", scale_offset: "filter", checksum_filter: "filter",
    object_reference: "something else than numbers", region_reference: "something else than numbers",
    variable_length: "something else than numbers", texts: "something else than numbers",
    fixed_texts: "something else than numbers", compound: "something else than numbers",
    opaque: "something else than numbers", wide_floats: "numbers of the type", enumeration: "no model has",
    array_type: "something else than numbers", empty_space: "no values", named_type: "neither a group nor a dataset",
    too_deep: "deep", long_name: "named", not_utf8: "UTF-8",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "secret.bin").write_bytes(SECRET)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["secret"] = np.arange(3.0)
    return tmp_path


def make(folder, write, **settings):
    path = folder / "hostile.h5"
    with h5py.File(path, "w", **settings) as file:
        write(file, folder)
    return path


@pytest.mark.parametrize("write", REFUSED, ids=lambda f: f.__name__)
def test_hostile_files_are_refused_with_their_reason(folder, write):
    path = make(folder, write)
    watch = FolderWatch(folder)
    begin = time.process_time()
    with pytest.raises(ModelFileError, match=REFUSED[write]) as caught:
        GuardedFile(path)
    assert time.process_time() - begin < SECONDS
    assert {event.split()[-1] for event in watch.seen()} <= {"hostile.h5"}  # no other file, nor by HDF5's own code
    watch.close()
    assert str(caught.value).startswith(str(path))
    assert caught.value.cure


@pytest.mark.parametrize("write", REFUSED, ids=lambda f: f.__name__)
def test_and_in_files_of_the_newest_form(folder, write):
    path = make(folder, write, libver="latest")
    with pytest.raises(ModelFileError, match=REFUSED[write]):
        GuardedFile(path)


def test_bombs_take_no_memory(folder):
    path = make(folder, four_terabytes)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelFileError, match="4398046511104 bytes"):
        GuardedFile(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10


def test_datasets_that_overlap_are_refused(folder):
    path = folder / "overlap.h5"
    with h5py.File(path, "w") as file:
        for name in "ab":
            file[name] = np.full(4096, ord(name), "u1")
        places = [file[name].id.get_offset() for name in "ab"]
    text = path.read_bytes()
    before, after = (struct.pack("<BBQQ", 3, 1, place, 4096) for place in reversed(places))
    assert text.count(before) == 1
    path.write_bytes(text.replace(before, after)[: len(text) - 2048])
    with pytest.raises(ModelFileError, match="overlap|end of the file|cannot read"):
        GuardedFile(path)


@pytest.mark.parametrize("make_it", [os.mkfifo, lambda path: path.mkdir(), lambda path: path.symlink_to("/dev/zero")])
def test_only_regular_files_are_opened(tmp_path, make_it):
    path = tmp_path / "m.h5"
    make_it(path)
    with pytest.raises(ModelFileError, match="regular file|folder"):
        GuardedFile(path)


def test_what_is_no_hdf5_file(tmp_path):
    path = tmp_path / "m.h5"
    for content in (b"", b"\x89HDF\r\n\x1a", b"PK\x03\x04" + bytes(100), bytes(5000)):
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match="not an HDF5 file"):
            GuardedFile(path)
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(3000))
    with pytest.raises(ModelFileError, match="cannot read"):
        GuardedFile(path)
    with pytest.raises(FileNotFoundError):
        GuardedFile(tmp_path / "none.h5")


def test_a_huge_attribute_is_refused(tmp_path):
    path = tmp_path / "m.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file.attrs.create("names", np.zeros(70 << 20, "u1"))
    with GuardedFile(path) as file, pytest.raises(ModelFileError, match="73400320 bytes"):
        file.attribute("", "names")


def test_texts_that_share_one_place_are_counted_before_they_are_made(tmp_path):
    """Two thousand names that are all one text of 1 MB: HDF5 would make 2 GB of them."""
    path = tmp_path / "m.h5"
    text = "x" * (1 << 20)
    with h5py.File(path, "w") as file:
        file.attrs.create("layer_names", [text, *(str(i) for i in range(2000))], dtype=h5py.string_dtype())
    content = path.read_bytes()
    first = content.index(struct.pack("<I", len(text)), 100)
    while struct.unpack_from("<I", content, first + 16)[0] != 1:  # the descriptor of '0' follows that of the long one
        first = content.index(struct.pack("<I", len(text)), first + 1)
    one = content[first : first + 16]
    path.write_bytes(content[:first] + one * 2001 + content[first + 16 * 2001 :])
    with GuardedFile(path) as file:
        begin = time.process_time()
        with pytest.raises(ModelFileError, match="texts of up to 20\\d{8} bytes"):
            file.texts("", "layer_names")
        assert time.process_time() - begin < SECONDS


def test_a_heap_that_leads_nowhere_is_refused(tmp_path):
    """An entry of no size, in which HDF5 itself walks for ever."""
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = ["first", "second"]
    content = path.read_bytes()
    heap = content.index(b"GCOL")
    free = heap + 16 + 2 * (16 + 8)
    assert content[free : free + 2] == b"\0\0"
    for place, size in ((free, 0), (free, 1 << 60), (heap + 16, 1 << 40), (heap + 16, (1 << 64) - 8)):
        path.write_bytes(content[: place + 8] + struct.pack("<Q", size) + content[place + 16 :])
        with GuardedFile(path) as file, pytest.raises(ModelFileError, match="heap"):
            file.texts("", "layer_names")
    path.write_bytes(content)
    with GuardedFile(path) as file:
        assert file.texts("", "layer_names") == ["first", "second"]


def test_names_of_any_number_and_length_are_read(tmp_path):
    path = tmp_path / "m.h5"
    names = [f"layer_{i}" * (1 + i % 7) for i in range(1500)]
    for libver in ("earliest", "latest"):
        with h5py.File(path, "w", libver=libver) as file:
            file.attrs["long"] = "x" * (1 << 20)
            file.attrs["layer_names"] = names
            file.attrs["fixed0"], file.attrs["fixed1"] = np.array([b"a", b"bc"]), np.array([b"d"])
            file.attrs["none"] = []
        with GuardedFile(path) as file:
            assert file.texts("", "layer_names") == names
            assert file.texts("", "fixed") == ["a", "bc", "d"]
            assert file.texts("", "none") == []
            assert file.texts("", "missing") == []


def test_an_attribute_of_references_is_refused(tmp_path):
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file["a"] = np.ones(2)
        file.attrs["bad"] = file["a"].ref
        file.attrs["number"] = 7
    with GuardedFile(path) as file:
        with pytest.raises(ModelFileError, match="something else than numbers"):
            file.attribute("", "bad")
        assert file.attribute("", "number") == 7
        with pytest.raises(ModelFileError, match="no list of names"):
            file.texts("", "number")


def test_a_path_is_looked_up_and_never_followed(folder):
    path = make(folder, lambda file, _: file.create_dataset("a/b", data=np.ones(2)))
    with GuardedFile(path) as file:
        for name in ("../other.h5", "/a/b", "a/../a/b", "a/./b", "a", "", str(folder / "other.h5")):
            with pytest.raises(ModelFileError, match="no dataset"):
                file.array(name)
        assert file.array("a/b").tolist() == [1.0, 1.0]


def test_plain_files_pass_in_every_form(tmp_path):
    path, values = tmp_path / "m.h5", np.arange(24, dtype="f4").reshape(4, 6)
    for libver in ("earliest", "latest"):
        with h5py.File(path, "w", libver=libver) as file:
            file["plain"] = values
            file.create_dataset("packed", data=values, chunks=(2, 3), compression="gzip", shuffle=True)
            file.create_dataset("chunks", data=values, chunks=(3, 4))
            file["swapped"] = values.astype(">f4")
            file["scalar"], file["none"], file["yes"] = np.int64(3), np.zeros((0, 3), "f4"), np.array([True, False])
        with GuardedFile(path) as file:
            for name in ("plain", "packed", "chunks", "swapped"):
                assert np.array_equal(file.array(name), values), name
            assert file.array("scalar") == 3
            assert file.array("none").shape == (0, 3)
            assert file.array("yes").tolist() == [True, False]
        with GuardedFile("in memory", path.read_bytes()) as file:
            assert np.array_equal(file.array("packed"), values)


def test_damaged_files_raise_one_error_only(tmp_path):
    """Two hundred files with one changed byte: read, or ModelFileError."""
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = ["a", "b"]
        for name in "ab":
            file.create_group(name).attrs["weight_names"] = ["w:0"]
            file[name]["w:0"] = np.arange(5.0)
    content, random, refused = path.read_bytes(), np.random.default_rng(0), 0
    for place in random.integers(8, 3000, 200):
        changed = bytearray(content)
        changed[place] ^= 1 << int(random.integers(8))
        path.write_bytes(changed)
        try:
            with GuardedFile(path) as file:
                for name in file.datasets:
                    file.array(name)
                file.texts("", "layer_names")
        except ModelFileError:
            refused += 1
    assert 5 < refused < 200

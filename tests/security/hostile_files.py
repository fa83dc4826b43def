"""Files that are hostile as containers: HDF5 that reaches into other files, archives that unpack to anything.

Each builder changes a good file at `path`. `secret` is a folder with secret.bin (raw numbers), secret.h5 (a dataset x).
"""

import io
import json
import struct
import zipfile
import zlib

import numpy as np

DEEP = "[" * 100_000
KERNEL = "model_weights/good/good/kernel:0"


def _group(file):
    """The group of the layer's weights, its kernel taken away."""
    del file[KERNEL]
    return file["model_weights/good/good"]


def _dataset(make):
    """Put what `make(group, h5py, secret)` makes in the kernel's place."""

    def build(path, secret):
        import h5py

        with h5py.File(path, "r+") as file:
            make(_group(file), h5py, secret)

    return build


def _change(work):
    def build(path, secret):
        import h5py

        with h5py.File(path, "r+") as file:
            work(file)

    return build


def _virtual(group, h5py, secret):
    layout = h5py.VirtualLayout((3, 2), "f4")
    layout[:] = h5py.VirtualSource(secret / "secret.h5", "x", (3, 2), "f4")
    group.create_virtual_dataset("kernel:0", layout)


def _low_level(shape, dtype="f4", chunks=None, deflate=False, external=None):
    """A dataset of any declared size, with nothing written."""

    def make(group, h5py, secret):
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        if chunks:
            plan.set_chunk(chunks)
        if deflate:
            plan.set_deflate(9)
        if external:
            plan.set_external(bytes(secret / external), 0, 24)
        kind = h5py.h5t.py_create(np.dtype(dtype))
        h5py.h5d.create(group.id, b"kernel:0", kind, h5py.h5s.create_simple(shape), plan)

    return _dataset(make)


def _compressed(group, h5py, secret):
    group.create_dataset("kernel:0", (20_000, 5_000), "f4", chunks=(1000, 5_000), compression="gzip", data=0.0)


def _bomb(group, h5py, secret):
    """400 MB of zeros in 400 kB, written as chunks packed beforehand, in no time."""
    packed = zlib.compress(bytes(40_000_000), 9)
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((1000, 10_000))
    plan.set_deflate(9)
    kind = h5py.h5t.py_create(np.dtype("f4"))
    made = h5py.h5d.create(group.id, b"kernel:0", kind, h5py.h5s.create_simple((10_000, 10_000)), plan)
    for i in range(10):
        made.write_direct_chunk((1000 * i, 0), packed)


def _deep(file):
    group = file["model_weights"]
    for _ in range(100):
        group = group.create_group("g")


def _attribute(place, name, value):
    def work(file):
        if name in file[place].attrs:
            del file[place].attrs[name]
        if value is not None:
            file[place].attrs[name] = value

    return _change(work)


def _names(*names):
    return np.asarray([name.encode() for name in names])


def _references(group, h5py, secret):
    data = group.create_dataset("kernel:0", (3, 2), h5py.ref_dtype)
    data[0, 0] = group.ref


def _filtered(group, h5py, secret):
    group.create_dataset("kernel:0", data=np.ones((3, 2), "f4"), chunks=(3, 2), compression="lzf")


def _checksummed(group, h5py, secret):
    group.create_dataset("kernel:0", data=np.ones((3, 2), "f4"), chunks=(3, 2), fletcher32=True)


def hostile_hdf5(secret_name="secret.h5"):
    """{what it is: builder}; all are refused, as models and as weights."""
    import h5py

    def external(group, h5py, secret):
        group["kernel:0"] = h5py.ExternalLink(str(secret / "secret.h5"), "x")

    def external_group(path, secret):
        with h5py.File(path, "r+") as file:
            del file["model_weights/good"]
            file["model_weights/good"] = h5py.ExternalLink(str(secret / "secret.h5"), "/")

    def put(value):
        return _dataset(lambda group, h5py, secret: group.create_dataset("kernel:0", data=value))

    def link(target):
        return _dataset(lambda group, h5py, secret: group.__setitem__("kernel:0", h5py.SoftLink(target)))

    huge_text = "x" * (17 << 20)
    found = {
        "external link": _dataset(external),
        "external link to a group": external_group,
        "external link beside": _change(lambda f: f.__setitem__("beside", h5py.ExternalLink("/etc/passwd", "/"))),
        "soft link": link("/model_weights/good/good/bias:0"),
        "soft link to nowhere": link("/nowhere"),
        "soft link to itself": link("kernel:0"),
        "soft link that climbs": link("../../../../etc/passwd"),
        "soft link to the root": _change(lambda f: f["model_weights"].__setitem__("up", h5py.SoftLink("/"))),
        "circle of groups": _change(lambda f: f["model_weights"].__setitem__("up", f["/"])),
        "circle of one": _change(lambda f: f["model_weights"].__setitem__("me", f["model_weights"])),
        "one dataset twice": _dataset(lambda g, h, s: g.__setitem__("kernel:0", g["bias:0"])),
        "virtual dataset": _dataset(_virtual),
        "external storage": _low_level((3, 2), external="secret.bin"),
        "4 TB contiguous": _low_level((1 << 20, 1 << 20)),
        "4 TB in chunks": _low_level((1 << 20, 1 << 20), chunks=(1024, 1024)),
        "4 TB packed": _low_level((1 << 20, 1 << 20), chunks=(1024, 1024), deflate=True),
        "largest size": _low_level(((1 << 63) // 8,)),
        "16 EB": _low_level((1 << 40, 1 << 40)),
        "one chunk of 2 GB": _low_level((1 << 14, 1 << 14), chunks=(1 << 14, 1 << 14), deflate=True),
        "nothing stored": _low_level((3, 2)),
        "packed bomb": _dataset(_bomb),
        "lzf filter": _dataset(_filtered),
        "fletcher32 filter": _dataset(_checksummed),
        "references": _dataset(_references),
        "texts": put(np.array([b"abc"])),
        "texts of any length": _dataset(lambda g, h, s: g.create_dataset("kernel:0", (3,), h.string_dtype())),
        "lists of any length": _dataset(lambda g, h, s: g.create_dataset("kernel:0", (3,), h.vlen_dtype("f4"))),
        "records": put(np.zeros(3, "f4,i4")),
        "complex numbers": put(np.zeros((3, 2), "c8")),
        "raw bytes": put(np.zeros((3, 2), "V4")),
        "arrays of arrays": _dataset(lambda g, h, s: g.create_dataset("kernel:0", (3,), np.dtype(("f4", (2,))))),
        "no value": _dataset(lambda g, h, s: g.create_dataset("kernel:0", data=h.Empty("f4"))),
        "a type in the kernel's place": _dataset(lambda g, h, s: g.__setitem__("kernel:0", np.dtype("f4"))),
        "a group in the kernel's place": _dataset(lambda g, h, s: g.create_group("kernel:0")),
        "nothing in the kernel's place": _dataset(lambda g, h, s: None),
        "deep groups": _change(_deep),
        "layer '..'": _attribute("model_weights", "layer_names", _names("../../x")),
        "layer of another place": _attribute("model_weights", "layer_names", _names("/model_weights/good")),
        "layer without a name": _attribute("model_weights", "layer_names", _names("")),
        "layer that is not there": _attribute("model_weights", "layer_names", _names("bad")),
        "layer names of numbers": _attribute("model_weights", "layer_names", np.arange(3)),
        "layer names as one text": _attribute("model_weights", "layer_names", "good"),
        "layer names not UTF-8": _attribute("model_weights", "layer_names", np.array([b"\xff\xfe"])),
        "weight '..'": _attribute("model_weights/good", "weight_names", _names("../good/good/kernel:0", "good/bias:0")),
        "weight '.'": _attribute("model_weights/good", "weight_names", _names(".", "..")),
        "weight of the root": _attribute("model_weights/good", "weight_names", _names("/", "/model_weights")),
        "weight names missing": _attribute("model_weights/good", "weight_names", None),
    }
    configs = {
        "no text": 5, "texts": _names("{}", "{}"), "empty": b"", "no JSON": b"{", "list": b"[]", "number": b"7",
        "deep": DEEP.encode(), "long": huge_text.encode(), "not UTF-8": b"\xff\xfe{}", "numbers": np.arange(5),
        "array of nothing": np.zeros((0,)), "digits": b"1" * 5000, "code": b"__import__('os').system('true')",
    }  # fmt: skip
    return found, {f"configuration: {name}": _attribute("/", "model_config", value) for name, value in configs.items()}


# --- Archives ---


def _zip(members, **how):
    """Bytes of an archive of {name: bytes}."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def _patched(data, old, new, count=-1):
    if old not in data or len(old) != len(new):
        raise ValueError(f"cannot patch {old!r}")
    return data.replace(old, new, count)


def _twice(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in [*members.items(), ("config.jsoN", members["config.json"])]:
            archive.writestr(name, content)
    return _patched(file.getvalue(), b"config.jsoN", b"config.json")


def _encrypted(members):
    data = bytearray(_zip(members))
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = 0
        while (at := data.find(mark, at)) >= 0:
            data[at + place] |= 1
            at += 4
    return bytes(data)


def _with_field(members, mark, place, kind, value, which=0):
    """The archive with one number of one header changed."""
    data = bytearray(_zip(members))
    at = -1
    for _ in range(which + 1):
        at = data.index(mark, at + 1)
    struct.pack_into(kind, data, at + place, value)
    return bytes(data)


def _many(count):
    """The end of an archive that lists `count` members, all of them one."""
    first = b"PK\3\4" + struct.pack("<BBHHHHIIIHH", 20, 0, 0, 0, 0, 33, 0, 0, 0, 1, 0) + b"a"
    fields = struct.pack("<BBBBHHHHIIIHHHHHII", 20, 3, 20, 0, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    directory = (b"PK\1\2" + fields + b"a") * count
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, count & 0xFFFF, count & 0xFFFF, len(directory), len(first), 0)
    return first + directory + end


def _overlapping(members):
    """Two names in the directory for the same bytes."""
    data = _zip({"model.weights.h5": members["model.weights.h5"], "config.json": members["config.json"],
                 "metadata.json": members["metadata.json"]})  # fmt: skip
    second = data.index(b"PK\1\2", data.index(b"PK\1\2") + 1)
    return data[: second + 42] + struct.pack("<I", 0) + data[second + 46 :]


def hostile_archives(members):
    """{what it is: bytes} made from the members of a good .keras archive; all are refused."""
    members = {name: bytes(content) for name, content in members.items()}
    weights = members["model.weights.h5"]
    zeros = bytes(100_000_000)
    small = {name: content for name, content in members.items() if name != "model.weights.h5"}
    deflated = {"compression": zipfile.ZIP_DEFLATED, "compresslevel": 1}
    whole = _zip(members)
    return {
        "bomb as weights": _zip({**small, "model.weights.h5": zeros}, **deflated),
        "bomb as configuration": _zip({**members, "config.json": zeros}, **deflated),
        "bomb as metadata": _zip({**members, "metadata.json": zeros}, **deflated),
        "bomb beside": _zip({**members, "assets/bomb": zeros}, **deflated),
        "archive as weights": _zip({**members, "model.weights.h5": whole}),
        "bomb in an archive": _zip({**members, "model.weights.h5": _zip({"a": zeros}, **deflated)}),
        "text as weights": _zip({**members, "model.weights.h5": b"cos\nsystem\n(S'true'\ntR."}),
        "no weights": _zip(small),
        "no configuration": _zip({name: content for name, content in members.items() if name != "config.json"}),
        "empty archive": _zip({}) + bytes(10),
        "member that climbs": _zip({**members, "../evil": b"x"}),
        "member that climbs inside": _zip({**members, "assets/../../evil": b"x"}),
        "member from the root": _zip({**members, "/tmp/evil": b"x"}),
        "member with backslashes": _patched(_zip({**members, "aaaevil": b"x"}), b"aaaevil", b"..\\evil"),
        "two of one name": _twice(members),
        "encrypted": _encrypted(members),
        "bzip2": _zip(members, compression=zipfile.ZIP_BZIP2),
        "lzma": _zip(members, compression=zipfile.ZIP_LZMA),
        "unknown method": _with_field(members, b"PK\1\2", 10, "<H", 97),
        "wrong checksum": _with_field(members, b"PK\1\2", 16, "<I", 1),
        "declared too large": _with_field(members, b"PK\1\2", 24, "<I", 0xFFFFFFF0),
        "declared too small": _with_field(members, b"PK\1\2", 24, "<I", 5),
        "stored too large": _with_field(members, b"PK\1\2", 20, "<I", 0xFFFFFFF0),
        "offset behind the end": _with_field(members, b"PK\1\2", 42, "<I", 0xFFFFFFF0),
        "local name differs": _with_field(members, b"PK\3\4", 30, "<B", ord("x")),
        "name with a NUL": _patched(_patched(whole, b"config.json", b"config.jsoX"), b"metadata.json",
                                    b"config.json\0\0"),
        "overlapping members": _overlapping(members),
        "many members": _many(150_000),
        "directory too long": _with_field(members, b"PK\5\6", 12, "<I", 0x7FFFFFFF),
        "cut": whole[: len(whole) // 2],
        "only the beginning": whole[:40],
        "bytes between": whole[: whole.index(b"PK\1\2")] + b"\0" * 7 + whole[whole.index(b"PK\1\2") :],
        "deep configuration": _zip({**members, "config.json": DEEP}),
        "deep metadata": _zip({**members, "metadata.json": '{"a":' * 100_000}),
        "a million layers": _zip({**members, "config.json": json.dumps({"class_name": "Sequential", "config": {
            "layers": [{"class_name": "Dense", "config": {}}] * 400_000}})}),
        "configuration is no dict": _zip({**members, "config.json": "[]"}),
        "configuration is no text": _zip({**members, "config.json": b"\xff\xfe\0"}),
        "weights cut": _zip({**members, "model.weights.h5": weights[: len(weights) // 2]}),
        "weights empty": _zip({**members, "model.weights.h5": b""}),
    }  # fmt: skip


# --- YAML ---

_CALLS = ("os.system", "subprocess.Popen", "builtins.eval", "builtins.exec", "posix.system", "builtins.open",
          "subprocess.check_output", "importlib.import_module")  # fmt: skip


def yaml_payloads(mark):
    """50 texts that want to become objects."""
    command = f"touch {mark}"
    found = []
    for call in _CALLS:
        found += [
            f"!!python/object/apply:{call} ['{command}']",
            f"!!python/object/new:{call} ['{command}']",
            f"class_name: Sequential\nconfig: !!python/object/apply:{call}\n  args: ['{command}']",
            f"class_name: !!python/name:{call}\nconfig: {{}}",
            f"- !<tag:yaml.org,2002:python/object/apply:{call}> ['{command}']",
        ]
    return found + [
        "!!python/module:os",
        "!!python/object:os.environ {}",
        "!!python/object:hornbeam.layers.Dense {units: 1}",
        f"!!python/object/new:type [evil, !!python/tuple [], {{extend: !!python/name:exec}}]\n# {command}",
        f"!!python/object/new:tuple\n- !!python/object/new:map\n  - !!python/name:eval\n  - ['{command}']",
        "class_name: !!python/bytes 'RGVuc2U='",
        "%TAG ! tag:yaml.org,2002:python/\n--- !object/apply:os.system ['true']",
        "class_name: !!python/complex 1+2j",
        "a: &a [*a]",
        "a: &a [x,x,x,x,x,x,x,x,x]\n" + "\n".join(
            f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]" for i in range(10)),
    ]  # fmt: skip

"""Files of strangers, read in a process of its own: what comes back, and what becomes of a reader that breaks."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from hornbeam.layers import BatchNormalization, Dense
from hornbeam.models import Sequential, load_model
from hornbeam.saving import ModelFileError, isolation
from hornbeam.saving.isolation import read_apart
from hornbeam.saving.packing import pack, unpack
from hornbeam.saving.stored import Origin, StoredLayer, StoredModel


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    model = Sequential([Dense(2, input_shape=(3,)), BatchNormalization()])
    model.compile("sgd", "mse")
    for name in ("m.h5", "m.keras"):
        model.save(folder / name)
    model.save_weights(folder / "w.npz")
    data = bytearray((folder / "m.h5").read_bytes())
    (folder / "cut.h5").write_bytes(data[: len(data) // 2])
    return model, folder


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    """A machine may be slow; what is judged here is not how long its interpreter takes to start."""
    monkeypatch.setattr(isolation, "DEADLINE_S", 600.0)


def same_weights(first, second):
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["m.h5", "m.keras"])
def test_the_child_reads_the_same(name, files):
    model, folder = files
    loaded = load_model(folder / name, untrusted=True)
    same_weights(loaded, model)
    assert loaded.loss == "mse"


def test_weights_too(files):
    model, folder = files
    other = Sequential([Dense(2, input_shape=(3,)), BatchNormalization()])
    other.load_weights(folder / "w.npz", untrusted=True)
    same_weights(other, model)


def test_refusals_come_through_with_the_name_of_the_file(files):
    _, folder = files
    with pytest.raises(ModelFileError, match=r"cut\.h5: "):
        load_model(folder / "cut.h5", untrusted=True)
    with pytest.raises(FileNotFoundError):
        load_model(folder / "none.h5", untrusted=True)


def test_a_reader_that_takes_too_long_is_stopped(files):
    with pytest.raises(ModelFileError, match="had not come to an end after 0 s and was stopped"):
        read_apart(files[1] / "m.h5", deadline_s=0)  # anything else a quick reader may keep


def test_a_reader_that_takes_too_much_memory_is_stopped(files, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "big.h5", "w") as file:
        file.attrs["layer_names"] = np.array([b"d"])
        group = file.create_group("d")
        group.attrs["weight_names"] = np.array([b"d/kernel:0"])
        group.create_dataset("d/kernel:0", data=np.ones((24, 1 << 20), "float32"), chunks=(1, 1 << 20),
                             compression="gzip", compression_opts=1)  # fmt: skip
    with pytest.raises(ModelFileError, match="more than 16 MB of memory|declare|refused|larger|crashed"):
        read_apart(tmp_path / "big.h5", weights_only=True, memory_bytes=16 << 20)


@pytest.mark.parametrize(
    ("status", "out", "told"),
    [
        (-11, b"", r"its reader crashed \(signal 11\)"),
        (1, b"", r"its reader crashed \(status 1\)"),
        (-9, b"m" + b"".join(pack(StoredModel())), r"its reader crashed \(signal 9\)"),
        (0, b"o", "takes more than 7 MB of memory"),
        (0, b"m\x05\0\0\0\0\0\0\0{}", "its reader broke off"),
        (0, b'e["it is odd", "Mend it."]', r"x\.h5: it is odd\. Mend it\."),
    ],
)
def test_answers(status, out, told):
    with pytest.raises(ModelFileError, match=told):
        isolation._answer("x.h5", subprocess.CompletedProcess([], status, out), 7 << 20)


def test_the_child_starts_without_the_engine(run_python):
    program = Path(isolation.__file__).with_name("isolated_reader.py")
    source = program.read_text(encoding="utf-8")
    heavy = run_python(
        f"""
        import io, json, os, sys
        request = {{"path": "none", "weights_only": False, "memory_bytes": 1 << 30, "seconds": 60}}
        request["sys_path"] = sys.path
        sys.stdin = io.TextIOWrapper(io.BytesIO(json.dumps(request).encode()))
        held = {{"__name__": "__main__", "__file__": {str(program)!r}}}
        written = io.BytesIO()
        sys.stdout = io.TextIOWrapper(written)
        def leave(status):
            sys.__stdout__.write(" ".join(m for m in ("jax", "hornbeam.backend") if m in sys.modules))
            sys.__stdout__.write(written.getvalue().decode())
            sys.__stdout__.flush()
        os._exit = leave
        exec(compile({source!r}, "child", "exec"), held)
        """
    )
    assert heavy == 'e["there is no such file", ""]'


# --- The bytes between the two ---


def test_bytes_there_and_back():
    stored = StoredModel(
        {"class_name": "Model", "config": {"x": float("nan")}},
        [StoredLayer("a", [("k", np.arange(6.0).reshape(2, 3).T), ("n", np.int64(3))]), StoredLayer("b")],
        {"loss": None}, [np.zeros((0, 2), "float16")], Origin("h5", "2.1", "theano"),
    )  # fmt: skip
    found = unpack(b"".join(pack(stored)))
    assert found.origin == stored.origin
    assert found.training == {"loss": None}
    assert [la.name for la in found.layers] == ["a", "b"]
    (_, kernel), (_, number) = found.layers[0].weights
    np.testing.assert_array_equal(kernel, np.arange(6.0).reshape(2, 3).T)
    assert (number.shape, int(number)) == ((), 3)
    assert found.optimizer_weights[0].shape == (0, 2)


@pytest.mark.parametrize("kind", ["O", "S4", "V8", "U3", "<M8[s]"])
def test_only_numbers_are_taken(kind):
    data = b"".join(pack(StoredModel(layers=[StoredLayer("a", [("k", np.zeros(2))])])))
    with pytest.raises(ModelFileError, match="its reader broke off"):
        unpack(data.replace(b'"<f8"', f'"{kind}"'.encode()))

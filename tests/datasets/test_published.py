"""The published sets, each as a small file of the exact layout: what real Keras reads from it, and where it is kept."""

import gzip
import hashlib
import importlib
import inspect
import io
import json
import os
import pickle
import re
import tarfile
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from hornbeam import config, datasets
from hornbeam.datasets import sources

RNG = np.random.RandomState(3)
OPEN = urllib.request.urlopen


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """A cache of its own for every test, and a network that is not there."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("HORNBEAM_MIRROR", raising=False)
    monkeypatch.setattr("urllib.request.urlopen", no_network)
    monkeypatch.setattr("time.sleep", lambda _: None)
    (tmp_path / "datasets" / "fashion-mnist").mkdir(parents=True)
    return tmp_path / "datasets"


def no_network(request, **_):
    raise ConnectionRefusedError(f"no network in tests, {request.full_url}")


@pytest.fixture
def lay(monkeypatch, cache):
    """lay(name, content): put a file into the cache and let the table of hashes know it."""

    def lay(name, content, kept_as=None):
        folder, _ = sources.FILES[name]
        monkeypatch.setitem(sources.FILES, name, (folder, hashlib.sha256(content).hexdigest()))
        (cache / (kept_as or name)).write_bytes(content)
        return str(cache / (kept_as or name))

    return lay


def theirs(name):
    """Real Keras' own module of a data set; by its whole name, since the package forgets what it imported."""
    return importlib.import_module(f"keras.src.datasets.{name}")


@pytest.fixture
def keras_load(monkeypatch):
    """keras_load(name, path, ...): what real Keras makes of the file at the path."""

    def load(name, path, *args, **kwargs):
        module = theirs(name)
        monkeypatch.setattr(module, "get_file", lambda *_, **__: path)
        return module.load_data(*args, **kwargs)

    return load


def same(ours, theirs):
    """Are the four arrays equal, their types and shapes too?"""
    for our, their in zip([*ours[0], *ours[1]], [*theirs[0], *theirs[1]]):
        assert our.dtype == their.dtype
        assert our.shape == their.shape
        assert our.tolist() == their.tolist()


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def ragged(rows, words=60):
    texts = np.empty(rows, object)
    for row in range(rows):
        texts[row] = RNG.randint(1, words, RNG.randint(1, 30)).tolist()
    return texts


def idx_bytes(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.tobytes()


def pictures(rows, shape=(28, 28)):
    return RNG.randint(0, 256, (rows, *shape)).astype("uint8")


# --- Pictures ---


def test_mnist(lay, keras_load):
    arrays = {"x_train": pictures(5), "y_train": np.arange(5, dtype="uint8"),
              "x_test": pictures(3), "y_test": np.arange(3, dtype="uint8")}  # fmt: skip
    path = lay("mnist.npz", npz(**arrays))
    found = datasets.mnist.load_data()
    same(found, keras_load("mnist", path))
    assert found[0][0].tolist() == arrays["x_train"].tolist()


def test_fashion_mnist(lay, cache, monkeypatch):
    for part, rows in (("train", 4), ("t10k", 2)):
        for kind, array in (("images-idx3", pictures(rows)), ("labels-idx1", np.arange(rows, dtype="uint8"))):
            name = f"{part}-{kind}-ubyte.gz"
            lay(name, gzip.compress(idx_bytes(array)), f"fashion-mnist/{name}")

    there = theirs("fashion_mnist")
    monkeypatch.setattr(there, "get_file", lambda name, **_: str(cache / "fashion-mnist" / name))
    same(datasets.fashion_mnist.load_data(), there.load_data())


def tar(files):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def batch(rows, *label_keys):
    """A batch as Python 2 wrote it: protocol 2, keys and the name of the dtype as byte strings."""
    content = {"data": pictures(rows, (3072,)), "batch_label": "some text",
               **{key: RNG.randint(0, 10, rows).tolist() for key in label_keys}}  # fmt: skip
    return python_2_pickle(content)


def python_2_pickle(content):
    """Pickle a dict of text, lists of small integers and uint8 arrays with the opcodes that Python 2.7 used."""

    def text(value):
        return b"U" + bytes([len(value)]) + value.encode()

    def array(value):
        dtype = b"cnumpy\ndtype\n(" + text("u1") + b"K\0K\1tR(K\3" + text("|")
        dtype += b"NNN" + b"J\xff\xff\xff\xff" * 2 + b"K\0tb"
        shape = b"".join(b"M" + size.to_bytes(2, "little") for size in value.shape)
        data = b"T" + value.nbytes.to_bytes(4, "little") + value.tobytes()
        start = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85" + text("b") + b"tR"
        return start + b"(K\1" + shape + b"\x86" + dtype + b"\x89" + data + b"tb"

    def value(item):
        if isinstance(item, str):
            return text(item)
        return array(item) if isinstance(item, np.ndarray) else b"](" + bytes(b for i in item for b in (75, i)) + b"e"

    return b"\x80\x02}(" + b"".join(text(key) + value(item) for key, item in content.items()) + b"u."


def test_the_pickles_of_python_2_are_what_python_reads():
    content = {"data": pictures(2, (7,)), "labels": [1, 2], "name": "x"}
    found = pickle.loads(python_2_pickle(content), encoding="bytes")  # noqa: S301
    assert found[b"data"].tolist() == content["data"].tolist()
    assert (found[b"labels"], found[b"name"]) == ([1, 2], b"x")


@pytest.fixture
def cifar10_archive(lay, monkeypatch):
    names = [f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"]
    content = tar({f"cifar-10-batches-py/{name}": batch(3, "labels") for name in names})
    return lay("cifar-10-python.tar.gz", content, "cifar-10-batches-py.tar.gz")


def test_cifar10(cifar10_archive, cache):
    (x_train, y_train), (x_test, y_test) = datasets.cifar10.load_data()
    assert (x_train.shape, y_train.shape) == ((15, 32, 32, 3), (15, 1))
    assert (x_test.shape, y_test.shape) == ((3, 32, 32, 3), (3, 1))
    assert {a.dtype.name for a in (x_train, y_train, x_test, y_test)} == {"uint8"}
    for number in range(5):
        with open(cache / "cifar-10-batches-py" / f"data_batch_{number + 1}", "rb") as file:
            theirs = pickle.load(file, encoding="bytes")  # noqa: S301
        rows = slice(3 * number, 3 * number + 3)
        expected = theirs[b"data"].reshape(3, 3, 32, 32).transpose(0, 2, 3, 1)
        assert x_train[rows].tolist() == expected.tolist()
        assert y_train[rows, 0].tolist() == theirs[b"labels"]


def test_cifar_with_channels_first(cifar10_archive, monkeypatch):
    (last, _), _ = datasets.cifar10.load_data()
    monkeypatch.setattr(config, "image_data_format", lambda: "channels_first")
    (first, _), _ = datasets.cifar10.load_data()
    assert first.transpose(0, 2, 3, 1).tolist() == last.tolist()


def test_cifar_unpacks_again_what_was_cut_short(cifar10_archive, cache):
    expected = datasets.cifar10.load_data()
    (cache / "cifar-10-batches-py" / "test_batch").unlink()
    same(datasets.cifar10.load_data(), expected)


@pytest.mark.parametrize("mode", ["fine", "coarse"])
def test_cifar100(lay, keras_load, cache, mode):
    files = {f"cifar-100-python/{n}": batch(4, "fine_labels", "coarse_labels") for n in ("train", "test")}
    lay("cifar-100-python.tar.gz", tar(files), "cifar-100-python.tar.gz")
    found = datasets.cifar100.load_data(mode)
    same(found, keras_load("cifar100", str(cache), mode))


def test_a_mode_that_cifar100_has_not():
    with pytest.raises(ValueError, match="label_mode must be 'fine' or 'coarse'; got 'middle'"):
        datasets.cifar100.load_data("middle")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        pickle.dumps({b"data": np.zeros((2, 3072), "uint8"), b"labels": [1]}, 2),
        pickle.dumps({b"data": np.zeros((1, 3072), "int16"), b"labels": [1]}, 2),
        pickle.dumps({b"data": np.zeros((1, 99), "uint8"), b"labels": [1]}, 2),
        pickle.dumps({b"labels": [1]}, 2),
        pickle.dumps([1], 2),
    ],
)
def test_a_batch_of_another_layout(cifar10_archive, cache, content):
    datasets.cifar10.load_data()
    (cache / "cifar-10-batches-py" / "test_batch").write_bytes(content)
    with pytest.raises(ValueError, match=r"test_batch is no batch of CIFAR .* Delete its folder"):
        datasets.cifar10.load_data()


# --- Words ---

ARGUMENTS = [
    {},
    {"num_words": 20},
    {"num_words": 30, "skip_top": 6, "oov_char": None},
    {"maxlen": 15},
    {"start_char": None, "index_from": 0, "seed": 7},
    {"start_char": None, "index_from": 5, "oov_char": 9, "num_words": 40, "maxlen": 20},
]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
def test_imdb(lay, keras_load, arguments):
    path = lay("imdb.npz", npz(x_train=ragged(12), y_train=RNG.randint(0, 2, 12), x_test=ragged(9),
                               y_test=RNG.randint(0, 2, 9)))  # fmt: skip
    same(datasets.imdb.load_data(**arguments), keras_load("imdb", path, **arguments))


@pytest.mark.parametrize("arguments", [*ARGUMENTS, {"test_split": 0.5}], ids=str)
def test_reuters(lay, keras_load, arguments):
    path = lay("reuters.npz", npz(x=ragged(21), y=RNG.randint(0, 46, 21)))
    same(datasets.reuters.load_data(**arguments), keras_load("reuters", path, **arguments))


def test_reviews_of_one_length_stay_lists(lay):
    texts = np.empty(6, object)
    texts[:] = [[1, 2]] * 6
    lay("imdb.npz", npz(x_train=texts, y_train=np.zeros(6), x_test=texts, y_test=np.zeros(6)))
    (x, _), _ = datasets.imdb.load_data()
    assert x.shape == (6,)
    assert x[0] == [1, 4, 2]  # the highest number falls out, as it does in the classics


def test_the_numbers_by_hand(lay):
    lay("imdb.npz", npz(x_train=ragged(4), y_train=np.arange(4), x_test=ragged(4), y_test=np.arange(4)))
    generator = np.random.RandomState(113)
    order, other = np.arange(4), np.arange(4)
    generator.shuffle(order)
    generator.shuffle(other)
    (_, y_train), (_, y_test) = datasets.imdb.load_data()
    assert (y_train.tolist(), y_test.tolist()) == (order.tolist(), other.tolist())


def test_the_global_generator_is_left_alone(lay):
    lay("reuters.npz", npz(x=ragged(5), y=np.arange(5)))
    before = np.random.get_state()[1].tolist()
    datasets.reuters.load_data()
    assert np.random.get_state()[1].tolist() == before


def test_no_text_is_short_enough(lay):
    lay("reuters.npz", npz(x=ragged(5), y=np.arange(5)))
    with pytest.raises(ValueError, match="no text is shorter than maxlen=1"):
        datasets.reuters.load_data(maxlen=1)


def test_the_old_name_of_num_words(lay):
    lay("reuters.npz", npz(x=ragged(30), y=np.arange(30)))
    with pytest.warns(UserWarning, match=r"write reuters.load_data\(num_words=9\)"):
        (old, _), _ = datasets.reuters.load_data(nb_words=9)
    assert old.tolist() == datasets.reuters.load_data(num_words=9)[0][0].tolist()
    assert max(max(text) for text in old) < 9


def test_an_argument_nobody_knows():
    with pytest.raises(TypeError, match=r"imdb.load_data takes no argument 'num_word'. Did you mean 'num_words'"):
        datasets.imdb.load_data(num_word=3)


@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_word_index(lay, name):
    lay(f"{name}_word_index.json", json.dumps({"the": 1, "é": 2}).encode())
    assert getattr(datasets, name).get_word_index() == {"the": 1, "é": 2}


def test_topics():
    import keras

    assert datasets.reuters.get_label_names() == tuple(keras.datasets.reuters.get_label_names())


# --- Prices ---


@pytest.mark.parametrize("arguments", [{}, {"test_split": 0.5, "seed": 1}, {"test_split": 0}], ids=str)
def test_boston_housing(lay, keras_load, arguments):
    path = lay("boston_housing.npz", npz(x=RNG.normal(size=(11, 13)), y=RNG.normal(size=11)))
    same(datasets.boston_housing.load_data(**arguments), keras_load("boston_housing", path, **arguments))


@pytest.mark.parametrize("version", ["small", "large"])
def test_california_housing(lay, keras_load, version):
    x, y = RNG.normal(size=(700, 8)).astype("float32"), RNG.normal(size=700).astype("float32")
    path = lay("california_housing.npz", npz(x=x, y=y))
    same(datasets.california_housing.load_data(version), keras_load("california_housing", path, version))


def test_arguments_out_of_range(lay):
    lay("boston_housing.npz", npz(x=RNG.normal(size=(11, 13)), y=RNG.normal(size=11)))
    with pytest.raises(ValueError, match=r"test_split must be a number in \[0, 1\); got 1"):
        datasets.boston_housing.load_data(test_split=1)
    with pytest.raises(ValueError, match="version must be 'large' or 'small'; got 'tiny'"):
        datasets.california_housing.load_data("tiny")


# --- Where files come from ---


def test_the_mirror_is_asked(monkeypatch, cache, tmp_path):
    content = npz(x=RNG.normal(size=(10, 13)), y=RNG.normal(size=10))
    folder, _ = sources.FILES["boston_housing.npz"]
    digest = hashlib.sha256(content).hexdigest()
    monkeypatch.setitem(sources.FILES, "boston_housing.npz", (folder, digest))
    mirror = tmp_path / "mirror" / "storage.googleapis.com" / "tensorflow" / "tf-keras-datasets"
    mirror.mkdir(parents=True)
    (mirror / "boston_housing.npz").write_bytes(content)
    monkeypatch.setenv("HORNBEAM_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setattr("urllib.request.urlopen", OPEN)
    (x_train, _), _ = datasets.boston_housing.load_data("mine.npz")
    assert len(x_train) == 8
    assert sorted(os.listdir(cache)) == ["fashion-mnist", "mine.npz"]


LOADERS = {
    "mnist": "mnist.npz",
    "fashion_mnist": "fashion-mnist/train-images-idx3-ubyte.gz",
    "cifar10": "cifar-10-batches-py.tar.gz",
    "cifar100": "cifar-100-python.tar.gz",
    "imdb": "imdb.npz",
    "reuters": "reuters.npz",
    "boston_housing": "boston_housing.npz",
    "california_housing": "california_housing.npz",
}


@pytest.mark.parametrize("name", LOADERS)
def test_without_a_network_the_manual_steps_are_said(name, cache):
    with pytest.raises(OSError, match="(?s)Cannot download https://.*By hand: fetch that address") as error:
        getattr(datasets, name).load_data()
    path = str(cache / LOADERS[name])
    assert f"lay the file at {path} (its hash must be " in str(error.value)
    assert not Path(path).exists()


@pytest.mark.parametrize("name", sorted(sources.FILES))
def test_every_file_has_a_secure_address_and_a_hash(name):
    folder, digest = sources.FILES[name]
    assert folder.startswith("https://")
    assert folder.endswith("/")
    assert len(digest) == (32 if name.endswith(".json") else 64)
    assert set(digest) <= set("0123456789abcdef")


def test_a_file_with_another_hash_is_not_read(lay, monkeypatch):
    lay("mnist.npz", npz(x_train=pictures(1)))
    monkeypatch.setitem(sources.FILES, "mnist.npz", (sources.FILES["mnist.npz"][0], "0" * 64))
    with pytest.raises(OSError, match="Cannot download"):
        datasets.mnist.load_data()


def test_our_hashes_are_those_of_keras():
    sources_there = "".join(inspect.getsource(theirs(name)) for name in LOADERS)
    there = set(re.findall(r'"([0-9a-f]{32}|[0-9a-f]{64})"', sources_there))
    # Keras checks no hash of Fashion-MNIST; those are the publisher's.
    assert there == {digest for name, (_, digest) in sources.FILES.items() if "ubyte" not in name}

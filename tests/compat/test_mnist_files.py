"""MNIST as the tutorials of TensorFlow read it."""

import struct

import numpy as np
import pytest

from hornbeam.compat.mnist_files import FILES, DataSet, read_data_sets


@pytest.fixture
def folder(tmp_path):
    for name, count in zip(FILES, (6, 6, 2, 2)):
        images = np.arange(count * 28 * 28, dtype="uint8").reshape(count, 28, 28)
        content = images if "images" in name else np.arange(count, dtype="uint8")
        header = struct.pack(f">BBBB{content.ndim}I", 0, 0, 8, content.ndim, *content.shape)
        (tmp_path / name).write_bytes(header + content.tobytes())
    return tmp_path


def test_the_first_rows_are_for_validation(folder):
    found = read_data_sets(folder, one_hot=True, validation_size=2)
    assert [part.num_examples for part in found] == [4, 2, 2]
    assert found.validation.labels.tolist() == np.eye(10)[:2].tolist()
    assert found.train.images.shape == (4, 784)
    assert found.train.images.dtype == "float32"
    assert float(found.train.images.max()) == 1.0
    assert found.train.images[0, 1] == np.float32((2 * 784 + 1) % 256) * np.float32(1 / 255)
    plain = read_data_sets(folder, dtype="uint8", reshape=False, validation_size=0)
    assert (plain.train.images.shape, plain.train.images.dtype) == ((6, 28, 28, 1), "uint8")


def test_a_batch_goes_on_into_the_next_pass():
    rows = DataSet(np.zeros((5, 2, 2, 1), "uint8"), np.arange(5))
    assert rows.next_batch(3, shuffle=False)[1].tolist() == [0, 1, 2]
    assert rows.next_batch(3, shuffle=False)[1].tolist() == [3, 4, 0]
    assert rows.epochs_completed == 1
    images, labels = rows.next_batch(12, shuffle=False)  # more than there are, as old scripts ask for
    assert (len(images), labels.tolist()) == (12, [1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2])
    shuffled = DataSet(np.zeros((50, 1, 1, 1), "uint8"), np.arange(50)).next_batch(50)[1]
    assert sorted(shuffled) == list(range(50))
    assert shuffled.tolist() != list(range(50))


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"validation_size": 7}, ValueError, r"validation_size must be in \[0, 6\]; got 7"),
        ({"fake_data": True}, ValueError, "there is no fake data"),
        ({"dtype": "int8"}, ValueError, "dtype must be 'float32' or 'uint8'"),
        ({"train_dir": "nowhere"}, FileNotFoundError, "nowhere.train-images-idx3-ubyte.gz is not there. It reads"),
    ],
)
def test_what_is_refused(folder, arguments, error, says):
    with pytest.raises(error, match=says):
        read_data_sets(**{"train_dir": folder, "validation_size": 0, **arguments})

"""Embedding: look-up, masks, lengths, and what training does to the table."""

import numpy as np
import pytest

from harness import check_against_keras, check_layer
from hornbeam import backend as K
from hornbeam.core import Input
from hornbeam.layers import Embedding

IDS = np.array([[1, 0, 4], [2, 2, 3]], "int32")


@pytest.mark.parametrize("kwargs", [{"mask_zero": True}, {"input_length": 3}], ids=str)
def test_embedding_keeps_every_promise(kwargs):
    check_layer(Embedding, {"input_dim": 5, "output_dim": 4, **kwargs}, input_shape=(3,), dtype="int32")


def test_embedding_is_that_of_keras():
    import keras

    check_against_keras(Embedding(5, 4), keras.layers.Embedding(5, 4), IDS)


def test_rows_of_the_table_come_back():
    layer = Embedding(5, 2, weights=[np.arange(10).reshape(5, 2)])
    np.testing.assert_allclose(layer(IDS)[0], [[2, 3], [0, 1], [8, 9]])
    np.testing.assert_allclose(layer(IDS.astype("float32")), layer(IDS))
    assert layer.id_range == (0, 5)


def test_zero_is_padding_only_if_asked():
    ids = Input((None,), dtype="int32")
    assert Embedding(5, 2)(ids)._keras_mask is None
    mask = Embedding(5, 2, mask_zero=True)(ids)._keras_mask
    np.testing.assert_array_equal(K.function([ids], [mask])([IDS])[0], IDS != 0)


def test_input_length_is_a_promise():
    assert tuple(Embedding(5, 2, input_length=3)(Input((None,), dtype="int32")).shape) == (None, 3, 2)
    assert tuple(Embedding(5, 2, input_length=(3, 2))(Input((3, 2), dtype="int32")).shape) == (None, 3, 2, 2)
    with pytest.raises(ValueError, match=r"input_length=4, got inputs of shape \(2, 3\)"):
        Embedding(5, 2, input_length=4)(IDS)


@pytest.mark.parametrize("key", ["dtype", "input_dtype"])
def test_whole_numbers_are_the_ids_not_the_rows(key):
    """Keras 1 and 2.0 called it so, and drew rows of floats; rows of int32 would all be 0."""
    layer = Embedding(5, 2, input_length=3, **{key: "int32"})
    assert np.all(layer(IDS) != 0)
    assert layer.get_config()["dtype"] == "float32"


def test_sizes_must_be_positive():
    with pytest.raises(ValueError, match="input_dim must be an integer of at least 1; got 0"):
        Embedding(0, 2)

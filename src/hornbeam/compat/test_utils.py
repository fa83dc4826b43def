"""`keras.utils.test_utils`: small random data that can be learned, and a check of a layer of one's own."""

import numpy as np

from hornbeam import backend as K
from hornbeam import legacy
from hornbeam.layers import Input
from hornbeam.models import Model, Sequential

__all__ = ["get_test_data", "layer_test"]


@legacy.takes_old_names("get_test_data")
def get_test_data(
    num_train=1000, num_test=500, input_shape=(10,), output_shape=(2,), classification=True, num_classes=2
):
    """Random data whose targets are the place its numbers are drawn around: ((x, y), (x_test, y_test)).

    Args:
        num_train, num_test: number of rows.
        input_shape: of a row.
        output_shape: of a target, if it is not a class.
        classification: are targets classes?
        num_classes: how many of them.

    Example:
        >>> (x, y), _ = get_test_data(5, 2)
        >>> x.shape, y.shape
        ((5, 10), (5,))
    """
    count = num_train + num_test
    if classification:
        y = places = np.random.randint(0, num_classes, size=(count,))
    else:
        places = np.random.random((count,))
        y = np.stack([np.random.normal(place, 0.7, output_shape) for place in places]).astype("float32")
    x = np.stack([np.random.normal(place, 0.7, input_shape) for place in places]).astype("float32")
    return (x[:num_train], y[:num_train]), (x[num_train:], y[num_train:])


def layer_test(
    layer_cls, kwargs={}, input_shape=None, input_dtype=None, input_data=None, expected_output=None,  # noqa: B006
    expected_output_dtype=None, fixed_batch_size=False,
):  # fmt: skip
    """Check a layer: promised shape and type, weights, configuration, functional and Sequential use, one step.

    Args:
        layer_cls: class of the layer.
        kwargs: arguments of its constructor.
        input_shape: with the batch; None stands for a size from 1 to 3.
        input_dtype: of the data.
        input_data: the data, drawn from [0, 10) if None.
        expected_output: what must come out.
        expected_output_dtype: its type; that of the input if None.
        fixed_batch_size: is the batch size a part of the model?

    Returns:
        What came out.

    Raises:
        ValueError: something does not hold; says what.
    """
    if input_data is None:
        shape = tuple(np.random.randint(1, 4) if size is None else size for size in input_shape)
        input_data = (10 * np.random.random(shape)).astype(input_dtype or K.floatx())
    shape = tuple(input_data.shape if input_shape is None else input_shape)
    dtype = input_dtype or str(input_data.dtype)
    batch = shape if fixed_batch_size else (None, *shape[1:])
    layer = layer_cls(**kwargs)
    x = Input(batch_shape=batch, dtype=dtype)
    y = layer(x)
    _same(layer_cls, "dtype", K.dtype(y), expected_output_dtype or dtype)
    model = Model(x, y)
    found = model.predict(input_data)
    promised = layer.compute_output_shape(batch)
    known = [None if size is None else came for size, came in zip(promised, found.shape)]
    _same(layer_cls, "output shape", known if len(promised) == found.ndim else found.shape, list(promised))
    if expected_output is not None:
        np.testing.assert_allclose(found, expected_output, rtol=1e-3)
    again = Model.from_config(model.get_config(), custom_objects={layer_cls.__name__: layer_cls})
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again.predict(input_data), found, rtol=2e-3)
    layer_cls.from_config(layer.get_config())
    stack = Sequential([layer_cls(**kwargs, batch_input_shape=batch, **({"dtype": dtype} if "int" in dtype else {}))])
    stack.compile("rmsprop", "mse")
    stack.train_on_batch(input_data, stack.predict(input_data))
    return found


def _same(layer_cls, what, came, wanted):
    if came != wanted:
        raise ValueError(f"{layer_cls.__name__}: its {what} is {came}, promised was {wanted}.")

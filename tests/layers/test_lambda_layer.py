"""Lambda: shapes, masks, and what can be written into a configuration."""

import json

import numpy as np
import pytest

from harness import check_layer
from hornbeam import activations, registry
from hornbeam import backend as K
from hornbeam.layers import Input, Lambda, Masking
from hornbeam.registry import functions_themselves


@registry.register_keras_serializable("tests")
def double(x, by=2.0):
    return by * x


def named(x):
    return x + 1


def shape_of_named(shape):
    return shape


def both(x):
    return x[0] * x[1]


@pytest.mark.parametrize(
    ("kwargs", "shape", "custom"),
    [
        ({"function": double}, (4,), None),
        ({"function": double, "arguments": {"by": np.ones(4, "float32")}}, (3, 4), None),
        ({"function": K.square}, (4,), None),
        ({"function": activations.tanh}, (4,), None),
        ({"function": named, "output_shape": shape_of_named}, (4,), {"named": named, "shape_of_named": shape_of_named}),
        ({"function": named, "output_shape": (4,)}, (4,), {"named": named}),
        ({"function": both}, [(4,), (4,)], {"both": both}),
    ],
)
def test_promises(kwargs, shape, custom):
    check_layer(Lambda, kwargs, input_shape=shape, custom_objects=custom)


def test_shape_and_type_follow_from_the_function():
    def classes(x):
        return K.cast(K.argmax(x, axis=-1), "int32")

    result, layer = check_layer(Lambda, {"function": classes}, input_shape=(None, 5), gradients=False, config=False)
    assert (result.shape, result.dtype) == ((3, 4), "int32")
    assert layer.compute_output_shape((None, None, 5)) == (None, None)


def test_several_results():
    halves = Lambda(lambda x: [x[:, :2], x[:, 2:]])(Input((4,)))
    assert [tuple(t.shape) for t in halves] == [(None, 2), (None, 2)]


def test_training_and_mask_are_given_to_functions_that_take_them():
    seen = []

    def watch(x, mask=None, training=None):
        seen.append((training, mask is not None))
        return x

    layer = Lambda(watch)
    layer(np.ones((1, 2), "float32"), training=True)
    assert seen == [(True, False)]
    x = Input((3, 2))
    K.function([x], [layer(Masking()(x))])([np.ones((1, 3, 2))])
    assert seen[-1] == (False, True)


def test_mask_is_dropped_unless_told():
    masked = Masking()(Input((3, 2)))
    assert Lambda(lambda x: x)(masked)._keras_mask is None
    kept = Lambda(lambda x: x, mask=lambda inputs, mask: mask)(masked)
    assert kept._keras_mask is masked._keras_mask


def test_a_wrong_output_shape_is_told_and_not_believed():
    with pytest.warns(UserWarning, match=r"output_shape says \(None, 3\), but its function gives \(None, 4\)"):
        y = Lambda(lambda x: x, output_shape=(3,))(Input((4,)))
    assert y.shape == (None, 4)


def test_output_shape_fills_in_what_tracing_leaves_open():
    layer = Lambda(lambda x: x[:, : K.shape(x)[1] // 2], output_shape=(6,))
    assert layer(Input((None,))).shape == (None, 6)


def test_errors_name_the_layer():
    with pytest.raises(TypeError, match="Lambda 'l' needs a function; got 3"):
        Lambda(3, name="l")
    with pytest.raises(Exception, match=".") as caught:
        Lambda(lambda x: x @ np.ones((7, 7)), name="wrong")(Input((4,)))
    assert "Lambda 'wrong', called on shapes [(None, 4)]" in "".join(caught.value.__notes__)


def test_code_is_never_written():
    with pytest.raises(ValueError, match="Lambda 'l': its function .* has no name to be saved under.*register_keras"):
        Lambda(lambda x: x, name="l").get_config()


def test_copies_within_the_program_need_no_names():
    layer = Lambda(lambda x: x * 3, output_shape=lambda shape: shape, mask=lambda inputs, mask: mask)
    with functions_themselves():
        config = layer.get_config()
    copy = Lambda.from_config(config)
    assert float(copy(np.ones((1, 1), "float32"))[0, 0]) == 3
    assert copy.mask is layer.mask
    with pytest.raises(ValueError, match="has no name"):
        copy.get_config()


def test_code_in_a_file_is_never_run():
    config = {"name": "old", "function": ["4wEAAAAB", None, None], "function_type": "lambda", "arguments": {}}
    with pytest.raises(ValueError, match="Lambda 'old' was saved as code, which Hornbeam does not run"):
        registry.deserialize("layer", {"class_name": "Lambda", "config": config})
    newer = {"class_name": "__lambda__", "config": {"code": "4wEAAAAB"}}
    with pytest.raises(ValueError, match="was saved as code"):
        Lambda.from_config({"name": "new", "function": newer})
    layer = registry.deserialize("layer", {"class_name": "Lambda", "config": config}, {"old": named})
    assert float(layer(np.zeros((1, 1), "float32"))[0, 0]) == 1


def test_a_name_nobody_knows():
    config = json.loads(json.dumps(Lambda(named, name="l").get_config()))
    with pytest.raises(ValueError, match="Lambda 'l' needs the function 'named', which nobody registered"):
        Lambda.from_config(config)

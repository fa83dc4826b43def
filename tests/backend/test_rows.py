"""Which words keep rows apart, so that a short batch may be padded."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.layers import Input
from hornbeam.models import Model, Sequential

APART = {
    "arithmetic": lambda x: 2 * x + x**2 - 1 / x,
    "array": lambda x: x * np.ones((3, 4), "float32"),
    "column": lambda x: x[:, 0],
    "slice": lambda x: x[:, 1:, ::2],
    "ellipsis": lambda x: x[..., 0],
    "mean_inside": lambda x: K.mean(x, axis=-1),
    "sum_of_several": lambda x: K.sum(x, axis=[1, 2]),
    "softmax": K.softmax,
    "argmax": lambda x: K.argmax(x),
    "concatenate": lambda x: K.concatenate([x, x]),
    "stack": lambda x: K.stack([x, x], axis=1),
    "expand": lambda x: K.expand_dims(x),
    "reshape": lambda x: K.reshape(x, (-1, 12)),
    "reshape_by_shape": lambda x: K.reshape(x, (K.shape(x)[0], 4, 3)),
    "permute": lambda x: K.permute_dimensions(x, (0, 2, 1)),
    "flatten_rows": K.batch_flatten,
    "dot": lambda x: K.dot(x, K.variable(np.ones((4, 2)))),
    "batch_dot": lambda x: K.batch_dot(x, x, axes=2),
    "one_hot": lambda x: K.one_hot(K.cast(x, "int32"), 3),
    "gather": lambda x: K.gather(K.variable(np.ones((5, 2))), K.cast(x, "int32")),
    "phase": lambda x: K.in_train_phase(x * 2, x),
    "switch_rows": lambda x: K.switch(x > 0, x, -x),
    "clip": lambda x: K.clip(x, 0, 1),
}
MIXED = {
    "mean": lambda x: x - K.mean(x),
    "mean_of_rows": lambda x: x - K.mean(x, axis=0, keepdims=True),
    "softmax_over_rows": lambda x: K.softmax(x, axis=0),
    "negative_axis": lambda x: x / K.sum(x, axis=-3, keepdims=True),
    "one_row": lambda x: x[0],
    "other_order": lambda x: x[::-1],
    "chosen_rows": lambda x: x[1:],
    "count": lambda x: x / K.cast(K.shape(x)[0], "float32"),
    "all_in_one": lambda x: K.flatten(x),
    "permuted": lambda x: K.permute_dimensions(x, (1, 0, 2)),
    "running_sum": lambda x: K.cumsum(x),
    "joined_rows": lambda x: K.concatenate([x, x], axis=0),
    "outer": lambda x: K.dot(x[:, 0], K.transpose(x[:, 0])),
    "crossed": lambda x: x[:, 0, 0] + x[:, 0, :1],
    "reversed": lambda x: K.reverse(x, 0),
    "gradient": lambda x: K.gradients(K.sum(K.square(K.mean(x, axis=0))), x)[0],
    "one_for_all": lambda x: K.switch(K.sum(x) > 0, x, -x),
}


@pytest.mark.parametrize("case", APART)
def test_words_that_keep_rows_apart(case):
    x = K.placeholder(shape=(None, 3, 4))
    assert K.keeps_rows([APART[case](x)], [x])


@pytest.mark.parametrize("case", MIXED)
def test_words_that_mix_rows(case):
    x = K.placeholder(shape=(None, 3, 4))
    assert not K.keeps_rows([MIXED[case](x)], [x])


def test_a_function_that_cannot_be_traced_is_not_trusted():
    x = K.placeholder(shape=(None, 3))
    assert K.function_keeps_rows(lambda v: K.mean(v, axis=-1), [x])
    assert not K.function_keeps_rows(lambda v: K.mean(v), [x])
    assert not K.function_keeps_rows(lambda v: np.asarray(v), [x])
    assert not K.function_keeps_rows(lambda v: 1.0, [x])


DATA = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")


def centred(x):
    return x - x.mean(0)


def test_models_that_mix_rows_are_exact_in_a_short_batch():
    class Own(Model):
        def call(self, inputs):
            return inputs - K.mean(inputs, axis=0, keepdims=True)

    x = Input((3,))
    graph = Model(x, x - K.mean(x, axis=0, keepdims=True))
    for model in (graph, Own(), Sequential([graph])):
        np.testing.assert_allclose(model.predict(DATA[:3]), centred(DATA[:3]), atol=1e-6)
        found = model.predict(DATA, batch_size=3)
        np.testing.assert_allclose(found, np.concatenate([centred(DATA[:3]), centred(DATA[3:])]), atol=1e-6)


def test_losses_and_metrics_that_compare_rows_with_each_other_are_exact_too():
    def contrast(y_true, y_pred):
        """Each row against all others of its batch: one value a row, but not by the row alone."""
        return K.logsumexp(K.dot(y_pred, K.transpose(y_pred)), axis=-1)

    def by_hand(x):
        return np.log(np.exp(x @ x.T).sum(1))

    x = Input((3,))
    model = Model(x, K.identity(x))
    expected = np.concatenate([by_hand(DATA[:3]), by_hand(DATA[3:])]).mean()
    for settings in ({"loss": contrast}, {"loss": "mse", "metrics": [contrast]}):
        model.compile("sgd", **settings)
        found = np.atleast_1d(model.evaluate(DATA, DATA, batch_size=3, verbose=0))[-1]
        assert found == pytest.approx(expected, rel=1e-5)

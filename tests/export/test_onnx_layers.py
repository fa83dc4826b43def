"""Every layer as ONNX: what onnxruntime computes is what the layer computes, and what cannot be written says so."""

import pytest

from export.onnx_checks import check, model_of, numbers, plain_engine, session_of  # noqa: F401
from hornbeam import activations, layers, registry
from hornbeam import backend as K
from hornbeam.core import Input
from hornbeam.layers import Dense, Layer
from hornbeam.models import Model
from layers.catalogue import FEW

pytestmark = pytest.mark.usefixtures("plain_engine")

STILL = [case for case in FEW if not case.training]

# Layers that are no class of the catalogue, and where they are seen as ONNX.
ELSEWHERE = {
    "Input": "a function", "InputSpec": "no layer", "InputLayer": "in every model", "Layer": "test_a_layer_of_ones_own",
    "Wrapper": "test_a_bare_wrapper", "ConvRNN2D": "test_onnx_recurrent.py", "StackedRNNCells": "RNN of the catalogue",
    "SimpleRNNCell": "RNN of the catalogue", "GRUCell": "RNN of the catalogue", "LSTMCell": "RNN of the catalogue",
    "ConvLSTM2DCell": "test_onnx_recurrent.py", "MultiHeadAttention": "test_onnx_attention.py",
    "Recurrent": "a base", "ConvRecurrent2D": "a base", "serialize": "a function", "deserialize": "a function",
}  # fmt: skip
# Layers that ONNX has no counterpart for, with the reason. There are none; what is refused are settings and words.
REFUSED: dict[str, str] = {}


@pytest.mark.parametrize("case", STILL, ids=str)
def test_layers_of_the_catalogue(case):
    check(*model_of(case))


def test_no_layer_is_forgotten():
    seen = {getattr(layers, case.name) for case in STILL} | {getattr(layers, name) for name in [*ELSEWHERE, *REFUSED]}
    classes = {name for name in layers.__all__ if isinstance(getattr(layers, name), type)}
    assert not [name for name in classes if getattr(layers, name) not in seen]
    assert not set(REFUSED) & {case.name for case in STILL}


# Not by name alone: one has no figures of its own, one wants an even size. The rest are other names of the same.
OTHERWISE = ["threshold", "glu", "swish", "hard_swish"]


@pytest.mark.parametrize("name", [n for n in registry.names("activation") if n not in OTHERWISE])
def test_activations(name):
    x = Input((3, 4))
    check(Model(x, layers.Activation(name)(x)), numbers(2, 3, 4))


def test_activations_with_arguments():
    x = Input((4,))
    parts = [
        activations.relu(x, 0.1, 0.8, 0.3), activations.relu(x, 0.1), activations.relu(x, threshold=-0.2),
        activations.threshold(x, 0.2, -1.0), activations.glu(x), activations.gelu(x, approximate=True),
        activations.elu(x, 0.5), activations.celu(x, 0.5),
    ]  # fmt: skip
    check(Model(x, parts), numbers(2, 4))
    x = Input((3,))
    check(Model(x, Dense(2, activation=layers.LeakyReLU(0.2))(x)), numbers(2, 3))


class Twice(Layer):
    """A layer of one's own, with a weight, another layer inside, and a loss of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = Dense(2, name="inner")

    def build(self, input_shape):
        self.scale = self.add_weight("scale", (2,), initializer="ones")
        super().build(input_shape)

    def call(self, inputs, training=None):
        found = self.inner(inputs)
        self.add_loss(K.sum(found))
        return K.in_train_phase(found * 0, found * self.scale, training) + K.cast(K.shape(inputs)[1], "float32")


def test_a_layer_of_ones_own():
    x = Input((3,))
    model = Model(x, Twice(name="twice")(x))
    before = len(model.layers[1]._added_losses), len(model.layers[1].inner._inbound_nodes)
    check(model, numbers(2, 3))
    assert (len(model.layers[1]._added_losses), len(model.layers[1].inner._inbound_nodes)) == before


def test_names_given_after_an_export_are_those_given_without():
    K.clear_session()
    x = Input((3,))
    session_of(Model(x, Twice()(x)))
    assert layers.Add().name == "add_1"


def test_a_bare_wrapper():
    x = Input((3,))
    check(Model(x, layers.Wrapper(Dense(2))(x)), numbers(2, 3))


@pytest.mark.parametrize(
    ("make", "shape", "words"),
    [
        (lambda: layers.Lambda(lambda x: K.cumprod(x, 1), name="odd"), (3,), "Lambda 'odd' .*the word 'cumprod'"),
        (lambda: layers.Lambda(lambda x: K.random_normal((3,)) * K.dropout(x, 0.5), name="odd"), (3,), "'dropout'"),
        (lambda: layers.Resizing(2, 2, name="odd"), (None, None, 3), "Resizing 'odd' .*unknown in .None, None, None"),
        (lambda: layers.Bidirectional(layers.LSTM(2, stateful=True), name="odd"), None, "stateful=True keeps states"),
    ],
)
def test_refusals_name_the_layer_and_the_cure(make, shape, words):
    x = Input(shape) if shape else Input(batch_shape=(2, 3, 4))
    with pytest.raises(ValueError, match=words) as refused:
        session_of(Model(x, make()(x)))
    assert "StableHLO" in str(refused.value)

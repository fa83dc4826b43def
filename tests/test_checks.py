"""Messages: what, where, what came, how to mend it."""

import copy
import inspect
import pickle
from types import SimpleNamespace

import pytest

from hornbeam import (
    callbacks,
    checks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    utils,
)
from hornbeam.optimizers import Hyperparameter, TFOptimizer
from hornbeam.preprocessing import image, sequence


@pytest.mark.parametrize(
    ("name", "known", "guess"),
    [("rellu", ["relu", "tanh"], "relu"), ("MSE", ["MSE", "mse"], "mse"), ("zzz", ["relu"], None), (3, ["relu"], None),
     ("categorical_crosentropy", ["categorical_crossentropy", "binary_crossentropy"], "categorical_crossentropy")],
)  # fmt: skip
def test_nearest(name, known, guess):
    assert checks.nearest(name, known) == guess


def test_unknown_name_lists_all_where_none_is_near():
    assert str(checks.unknown_name("loss", "zzz", ["mse", "hinge"])) == "Unknown loss 'zzz'. Known: hinge, mse."


def test_unknown_keywords_name_the_nearest():
    error = checks.unknown_keywords("Dense", {"unit"}, ["units", "activation"])
    assert isinstance(error, TypeError)
    assert str(error) == "Dense takes no argument 'unit'. Did you mean 'units'?"


def test_wrong_rank_and_size_name_the_layer_and_the_cure():
    class Dense(SimpleNamespace):
        pass

    layer = Dense(name="head")
    assert str(checks.wrong_rank(layer, (32,), least=2, cure="Add an axis.")) == (
        "Dense 'head' needs inputs of rank 2 or more, got shape (32,). Add an axis."
    )
    assert str(checks.wrong_rank(layer, (32,), exactly=3)) == "Dense 'head' needs inputs of rank 3, got shape (32,)."
    assert "size 4 on axis -1, got shape (None, 5)" in str(checks.wrong_size(layer, -1, 4, (None, 5)))
    with pytest.raises(ValueError, match="whose size is unknown in \\(None, None\\)"):
        checks.known_size(layer, (None, None), -1)
    assert checks.known_size(layer, (None, 7), -1) == 7


@pytest.mark.parametrize("value", [True, "3", 2.5, None, 0, float("nan")])
def test_what_is_no_integer(value):
    with pytest.raises(ValueError, match="units must be an integer of at least 1"):
        checks.integer("Dense", "units", value, least=1)


@pytest.mark.parametrize("value", [1.0, -0.1, "half", None, float("nan")])
def test_what_is_no_fraction(value):
    with pytest.raises(ValueError, match=r"rate must be a number in \[0, 1\)"):
        checks.fraction("Dropout", "rate", value)
    assert checks.fraction("Dropout", "rate", 0.5) == 0.5


# --- Misspelt keywords of constructors ---


NOT_MADE = (TFOptimizer, Hyperparameter, image.BatchFromFilesMixin)  # a refusal, a descriptor, half a class
PLACES = (callbacks, constraints, initializers, losses, metrics, optimizers, regularizers, utils, image, sequence)


def public_classes():
    for module in PLACES:
        for name in sorted(getattr(module, "__all__", vars(module))):
            found = getattr(module, name)
            ours = inspect.isclass(found) and found.__module__.startswith("hornbeam.")
            if ours and found not in NOT_MADE and "**" not in str(inspect.signature(found)):
                yield pytest.param(found, id=f"{module.__name__}.{name}")


@pytest.mark.parametrize("made", list(public_classes()))
def test_a_misspelt_keyword_is_answered_with_the_nearest(made):
    known = [name for name in inspect.signature(made).parameters if len(name) > 4]
    longest = max(known, key=len, default=None)
    with pytest.raises(TypeError, match="Did you mean|It takes: ") as caught:
        made(**{longest[:-1] if longest else "speed": 1})
    if longest:
        assert f"takes no argument '{longest[:-1]}'. Did you mean '" in str(caught.value)


def test_what_constructors_take_they_still_take():
    with pytest.raises(TypeError, match="TensorBoard takes no argument 'logdir'. Did you mean 'log_dir'?"):
        callbacks.TensorBoard(logdir="runs")
    with pytest.raises(TypeError, match="Ones takes no arguments; got 3"):
        initializers.Ones(3)
    with pytest.raises(TypeError, match="Own takes no argument 'paitence'. Did you mean 'patience'"):
        Own(paitence=1)
    with pytest.raises(TypeError, match="Did you mean 'batch_input_shape'"):
        layers.InputLayer(batch_input_shap=(None, 3))
    with pytest.raises(TypeError, match="Did you mean 'max_ndim'"):
        layers.InputSpec(max_ndi=3)
    assert Free(patience=2).given == {"patience": 2}
    assert pickle.loads(pickle.dumps(Own(4))).patience == copy.deepcopy(Own(4)).patience == 4  # noqa: S301
    assert constraints.MaxNorm(max_value=3).max_value == 3


class Own(callbacks.Callback):
    def __init__(self, patience):
        self.patience = patience


class Free(callbacks.Callback):
    def __init__(self, **given):
        self.given = given

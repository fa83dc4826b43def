"""Every public name of this package, tried in every place where a configuration names something.

On Keras, functions that were safe in their own place (get_file, load_model) became weapons in another. Here a place
takes what was entered for it, and nothing else: a layer from the table of layers, a loss from that of losses.
"""

import importlib
import inspect
import pkgutil

import pytest

import hornbeam
from hornbeam import checks, constraints, initializers, layers, losses, metrics, optimizers, registry, regularizers
from hornbeam.core.layer import Layer

# What stands in these modules takes part in no configuration: importing them may need more than is installed.
_SKIPPED = ("hornbeam.engines", "hornbeam.cli", "hornbeam.demo", "hornbeam.saving.isolated_reader")


def public_names():
    """{name: object} of every public callable anywhere in the package."""
    found = {}
    for module in pkgutil.walk_packages(hornbeam.__path__, "hornbeam."):
        if module.name.startswith(_SKIPPED) or module.name.rpartition(".")[2].startswith("_"):
            continue
        try:
            room = importlib.import_module(module.name)
        except ImportError:  # an extra that is not installed
            continue
        for name, thing in vars(room).items():
            if callable(thing) and not name.startswith("_"):
                found[name] = thing
                found[f"{module.name}.{name}"] = thing
    return found


NAMES = public_names()

# Where something is named -> how a configuration of that place is read.
PLACES = {
    "layer": lambda name: layers.deserialize({"class_name": name, "config": {}}),
    "activation": lambda name: layers.Activation.from_config({"activation": name}),
    "initializer": lambda name: layers.Dense.from_config({"units": 1, "kernel_initializer": name}),
    "regularizer": lambda name: layers.Dense.from_config({"units": 1, "kernel_regularizer": name}),
    "constraint": lambda name: layers.Dense.from_config({"units": 1, "kernel_constraint": name}),
    "loss": lambda name: losses.deserialize(name),
    "metric": lambda name: metrics.deserialize(name),
    "optimizer": lambda name: optimizers.deserialize({"class_name": name, "config": {}}),
}
SHAPES = {
    "a name": lambda name: name,
    "a function of Keras 3": lambda name: {"module": "builtins", "class_name": "function", "config": name,
                                           "registered_name": name},
    "a class": lambda name: {"class_name": name, "config": {}},
    "a class of Keras 3": lambda name: {"module": "keras.utils", "class_name": name, "config": {},
                                        "registered_name": name},
    "a package": lambda name: f"hornbeam>{name}",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _no_guessing(monkeypatch):
    """Refusals name the nearest known name, which takes longer than all the rest of this."""
    monkeypatch.setattr(checks, "nearest", lambda name, known: None)


def test_there_is_something_to_try():
    assert len(NAMES) > 800
    assert {"load_model", "get_file", "Dense", "relu", "hornbeam.utils.data_utils.get_file"} <= set(NAMES)


@pytest.mark.parametrize("place", PLACES)
def test_a_place_takes_only_what_was_entered_for_it(place):
    read = PLACES[place]
    wrong = []
    entered = set(registry.names(place))
    if place == "activation":
        entered |= set(registry.names("layer"))  # LeakyReLU and its like are layers, and may stand there
    for number, name in enumerate(sorted(set(NAMES) - entered)):
        if "." in name and number % 4:  # the same things by longer names: some of them are enough
            continue
        for shape, write in SHAPES.items() if place != "layer" and place != "optimizer" else [("a name", str)]:
            try:
                read(write(name))
            except (ValueError, TypeError):
                continue
            wrong.append(f"{name} as {shape}")
    assert not wrong


def test_the_tables_hold_what_they_say():
    for name in registry.names("layer"):
        found = registry.find("layer", name)
        assert inspect.isclass(found), name
        assert issubclass(found, Layer), name
    rooms = {"initializer": (initializers.Initializer,), "constraint": (constraints.Constraint,),
             "regularizer": (regularizers.Regularizer,)}  # fmt: skip
    for kind, bases in rooms.items():
        for name in registry.names(kind):
            found = registry.find(kind, name)
            assert inspect.isclass(found) or found.__module__ == f"hornbeam.{kind}s", name
            if inspect.isclass(found):
                assert issubclass(found, bases), name
    for kind, module in (("activation", "hornbeam.activations"), ("loss", "hornbeam.losses"),
                         ("metric", "hornbeam.metrics"), ("optimizer", "hornbeam.optimizers")):  # fmt: skip
        for name in registry.names(kind):
            found = registry.find(kind, name)
            assert found.__module__.startswith((module, "hornbeam.losses")), f"{kind} {name}: {found.__module__}"


def test_functions_are_named_and_not_called():
    """A configuration that names a function cannot say with what to call it."""
    for kind, name in (("activation", "relu"), ("loss", "mse"), ("metric", "mse")):
        with pytest.raises(ValueError, match="is a function"):
            registry.deserialize(kind, {"class_name": name, "config": {"x": 1, "y_true": 1}})


# --- The program's own classes and functions, which files may name ---


@pytest.fixture
def calls():
    """Registers a function of the user's own, and notes every call of it."""
    calls = []

    @registry.register_keras_serializable("mine")
    def send_mail(**settings):
        calls.append(settings)
        return settings

    yield calls
    registry._known["custom"].pop("mine>send_mail")


@pytest.mark.parametrize("place", PLACES)
def test_a_users_function_is_never_called_by_a_configuration(place, calls):
    """It may be named, as an activation say; it is not called while the configuration is read, whatever the place."""
    for name in ("mine>send_mail", {"class_name": "mine>send_mail", "config": {"to": "all"}}):
        try:
            if isinstance(name, dict):
                registry.deserialize(place, name)
            else:
                PLACES[place](name)
        except (ValueError, TypeError):
            continue
        finally:
            assert calls == [], f"{place}: {name}"

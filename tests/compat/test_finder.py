"""The aliases: every classic module and name, real libraries beside them, and what is said of what is not there."""

import importlib
import importlib.util
import json
import sys
import types
import warnings
from pathlib import Path

import pytest

import hornbeam
from compat.aside import real_keras_aside
from hornbeam import legacy
from hornbeam.compat import install, uninstall
from hornbeam.compat.modules import SOURCES, STARS

NAMES = json.loads((Path(__file__).parents[1] / "golden" / "keras2_names.json").read_text())


@pytest.fixture
def aliases():
    with real_keras_aside(), warnings.catch_warnings():
        warnings.simplefilter("ignore", legacy.OldSpelling)
        install()
        yield


def test_every_name_of_keras_2_resolves(aliases):
    assert (len(NAMES), sum(map(len, NAMES.values()))) == (47, 619)
    for module, names in NAMES.items():
        for root in {module, module.replace("keras", "tensorflow.keras", 1) if "_app" not in module else module}:
            found = importlib.import_module(root)
            assert [name for name in names if not hasattr(found, name)] == [], root


def test_every_module_of_keras_1_and_2_is_one(aliases):
    for place in SOURCES:
        module = importlib.import_module(f"keras.{place}".rstrip("."))
        assert isinstance(module, types.ModuleType)
        for name in STARS.get(place, "").split():
            own = getattr(module, name)
            assert own is getattr(hornbeam.layers, name, own)
            assert own.__module__.startswith("hornbeam.")


def test_as_keras_is_an_import(monkeypatch):
    with real_keras_aside():
        monkeypatch.delitem(sys.modules, "hornbeam.as_keras", raising=False)
        importlib.import_module("hornbeam.as_keras")
        assert importlib.import_module("keras").Sequential is hornbeam.Sequential
        install()  # again, which changes nothing
        assert [type(finder).__name__ for finder in sys.meta_path].count("Finder") == 1
        uninstall()
        assert "Finder" not in [type(finder).__name__ for finder in sys.meta_path]
        assert not any(name.split(".")[0] in ("keras", "tensorflow") for name in sys.modules)
        spec = importlib.util.find_spec("keras")  # the real one is there for everyone else
        assert spec is not None
        assert "hornbeam" not in spec.origin


def test_the_version_is_one_that_old_scripts_take_apart(aliases):
    keras = importlib.import_module("keras")
    assert [int(part) for part in keras.__version__.split(".")] == [2, 2, 4]
    assert importlib.import_module("tensorflow.keras").__version__ == keras.__version__


@pytest.mark.parametrize(
    ("module", "name", "says"),
    [
        ("keras.layers", "Dens", "'Dens'. Did you mean 'Dense'"),
        ("keras", "ops", "'ops'"),
        ("keras.models", "Graph", "Unknown name in keras.models, which is Hornbeam here: 'Graph'. Known: Input, Model"),
        ("tensorflow", "matmul", "tensorflow.matmul is a part of TensorFlow, which is not installed"),
        ("tensorflow.contrib", "rnn", "tensorflow.contrib.rnn is a part of TensorFlow"),
    ],
)
def test_what_is_not_there_is_said(module, name, says, aliases):
    found = importlib.import_module(module)
    assert not hasattr(found, name)
    with pytest.raises(AttributeError, match=says):
        getattr(found, name)
    with pytest.raises(ModuleNotFoundError, match=says):
        importlib.import_module(f"{module}.{name}")
    with pytest.raises(ImportError, match=says):
        __import__(module, fromlist=[name])  # from module import name


def test_another_keras_that_is_loaded_already(monkeypatch):
    other = types.ModuleType("keras")
    other.__version__, other.__file__ = "3.0", "elsewhere/keras/__init__.py"
    with real_keras_aside():
        monkeypatch.setitem(sys.modules, "keras", other)
        before = list(sys.meta_path)
        with pytest.raises(ImportError, match=r"keras 3.0 from elsewhere/.*Put `import hornbeam.as_keras` above"):
            install()
        assert sys.meta_path == before
        assert sys.modules["keras"] is other


REAL = {
    "__init__.py": "__version__ = '2.99'\nfrom tensorflow import keras\ndef matmul(a, b):\n    return 'real'\n",
    "keras/__init__.py": "Sequential = 'real'\n",
    "python/__init__.py": "",
    "python/keras/__init__.py": "Sequential = 'real'\n",
}


@pytest.mark.parametrize("before", [False, True])
def test_tensorflow_where_it_is_installed(before, tmp_path, monkeypatch):
    for name, text in REAL.items():
        file = tmp_path / "tensorflow" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text if not before else text.replace("from tensorflow import keras\n", ""))
    monkeypatch.syspath_prepend(tmp_path)
    with real_keras_aside():
        if before:
            importlib.import_module("tensorflow")
        install()
        tf = importlib.import_module("tensorflow")
        assert (tf.__version__, tf.matmul(1, 2)) == ("2.99", "real")
        assert tf.keras.Sequential is hornbeam.Sequential
        assert importlib.import_module("tensorflow.keras.models").Sequential is hornbeam.Sequential
        assert importlib.import_module("tensorflow.python.keras").Sequential == "real"  # it is built on that itself
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("tensorflow.examples")
    assert {name: (tmp_path / "tensorflow" / name).read_text() for name in REAL if name != "__init__.py"} == {
        name: text for name, text in REAL.items() if name != "__init__.py"
    }


def test_functions_hung_into_a_module_are_found_by_name(aliases):
    losses = importlib.import_module("keras.losses")
    losses.mine = lambda y_true, y_pred: y_pred
    assert hornbeam.losses.get("mine") is losses.mine
    del hornbeam.utils.get_custom_objects()["mine"]
    importlib.import_module("keras.layers.merge")  # which Python hangs into keras.layers, and can be called
    assert "merge" not in hornbeam.utils.get_custom_objects()


def test_stars_take_classic_names_and_tell_nothing(tmp_path):
    (tmp_path / "starred.py").write_text("from keras.layers.core import *\nfrom keras.optimizers import *\n")
    with real_keras_aside(), warnings.catch_warnings():
        warnings.simplefilter("error")
        install()
        sys.path.insert(0, str(tmp_path))
        try:
            starred = importlib.import_module("starred")
        finally:
            sys.path.remove(str(tmp_path))
            sys.modules.pop("starred", None)
    assert starred.rmsprop is hornbeam.optimizers.RMSprop
    assert starred.Dense is hornbeam.layers.Dense
    assert not hasattr(starred, "add")


def test_the_optimizers_are_as_they_were_afterwards():
    before = hornbeam.optimizers.SGD.__init__
    with real_keras_aside():
        install()
        with pytest.warns(legacy.OldSpelling, match="lr is the spelling of Keras 2; write learning_rate"):
            hornbeam.optimizers.SGD(lr=0.1)
        legacy._told.clear()
        hornbeam.optimizers.get({"class_name": "SGD", "config": {"lr": 0.5}})  # not the words of the user: no warning
    assert hornbeam.optimizers.SGD.__init__ is before
    assert hornbeam.optimizers.SGD(lr=0.1).lr == pytest.approx(0.1)

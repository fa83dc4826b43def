"""How Python finds Hornbeam where a program imports `keras` or `tensorflow.keras`, and how that is taken back."""

import functools
import importlib
import importlib.machinery
import sys
import types
import warnings

from hornbeam import legacy, optimizers
from hornbeam.compat import standins
from hornbeam.compat.alias import AliasModule, CallableAlias, missing
from hornbeam.compat.modules import ROOTS, SOURCES, TENSORFLOW_ROOTS, place_in


class Finder:
    """First of the finders on `sys.meta_path`: answers for Keras, and for TensorFlow where that is not installed."""

    def find_spec(self, name, path=None, target=None):
        """The spec of a module that is Hornbeam's, or None."""
        roots = ROOTS if installed("tensorflow") else (*TENSORFLOW_ROOTS, *ROOTS)
        for root in roots:
            place = place_in(root, name)
            if place in SOURCES:
                return _spec(name, _AliasLoader(place))
            if place is not None:
                self._refuse(name)
        if name.partition(".")[0] != "tensorflow":
            return None
        if installed("tensorflow"):
            return _real_tensorflow() if name == "tensorflow" else None
        if name in standins.NAMES:
            return _spec(name, _StandInLoader())
        raise ModuleNotFoundError(standins.absent(name))

    def _refuse(self, name):
        """Say which name is near one that Keras does not have.

        Raises:
            ModuleNotFoundError: always. It has no `name`, so that `from keras import ops` says it too.
        """
        parent, _, last = name.rpartition(".")
        raise ModuleNotFoundError(missing(importlib.import_module(parent), last))


class _OnlyWhereMissing:
    """Last of the finders: answers for the two libraries that Keras 2 was cut into, where they are not installed."""

    ROOTS = {"keras_preprocessing": "preprocessing", "keras_applications": "applications"}

    def find_spec(self, name, path=None, target=None):
        for root, place in self.ROOTS.items():
            inside = place_in(root, name)
            if inside is not None and (full := f"{place}.{inside}".rstrip(".")) in SOURCES:
                return _spec(name, _AliasLoader(full))
        return None


class _AliasLoader:
    def __init__(self, place):
        self.place = place

    def create_module(self, spec):
        kind = CallableAlias if self.place == "layers.merge" else AliasModule
        return kind(spec.name, self.place)

    def exec_module(self, module):
        module.fill()


class _StandInLoader:
    def create_module(self, spec):
        return standins.StandIn(spec.name)

    def exec_module(self, module):
        pass


class _ThenOurKeras:
    """The loader of the real TensorFlow; afterwards `tf.keras` is Hornbeam, in this process."""

    def __init__(self, loader):
        self._loader = loader

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def exec_module(self, module):
        self._loader.exec_module(module)
        sys.modules[module.__name__].keras = importlib.import_module("tensorflow.keras")


def _spec(name, loader):
    return importlib.machinery.ModuleSpec(name, loader, origin="hornbeam", is_package=True)


@functools.cache
def installed(library):
    """Is the real `library` here?"""
    return importlib.machinery.PathFinder.find_spec(library) is not None


def _real_tensorflow():
    spec = importlib.machinery.PathFinder.find_spec("tensorflow")
    spec.loader = _ThenOurKeras(spec.loader)
    return spec


# --- In and out ---

_finder, _last_finder = Finder(), _OnlyWhereMissing()


def install():
    """From here on `import keras` and `import tensorflow.keras` are Hornbeam, in this process alone.

    A second call changes nothing. Old spellings are told of in one line each.

    Raises:
        ImportError: another Keras is loaded already, so that some of the program's objects would be of that one.
    """
    if _finder in sys.meta_path:
        return
    _refuse_other_keras()
    sys.meta_path.insert(0, _finder)
    sys.meta_path.append(_last_finder)
    legacy.mode["classic"] = True
    _in_one_line(True)
    _listen_to_optimizers(True)
    standins.remember_seed()
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].keras = importlib.import_module("tensorflow.keras")


def uninstall():
    """Take the aliases out again; what was imported through them stays Hornbeam's."""
    if _finder not in sys.meta_path:
        return
    sys.meta_path.remove(_finder)
    sys.meta_path.remove(_last_finder)
    for name, module in list(sys.modules.items()):
        if isinstance(module, (AliasModule, standins.StandIn)):
            del sys.modules[name]
    legacy.mode["classic"] = False
    _in_one_line(False)
    _listen_to_optimizers(False)
    installed.cache_clear()


def _refuse_other_keras():
    for name, module in list(sys.modules.items()):
        other = any(place_in(root, name) is not None for root in ROOTS)
        if other and isinstance(module, types.ModuleType) and not isinstance(module, AliasModule):
            version = getattr(sys.modules.get("keras"), "__version__", "")
            raise ImportError(
                f"Another Keras is loaded already: {name} {version} from {getattr(module, '__file__', 'somewhere')}. "
                f"Objects of both would not fit together. Put `import hornbeam.as_keras` above the first import of "
                f"keras or tensorflow, or start the program with `hornbeam run`."
            )


_format = []  # what wrote warnings before


def _in_one_line(wanted):
    """Have what is told of old spellings written without the line of source below it."""
    if not wanted:
        warnings.formatwarning = _format.pop()
        return
    _format.append(warnings.formatwarning)

    def formatwarning(message, category, filename, lineno, line=None):
        if issubclass(category, legacy.OldSpelling):
            return f"{filename}:{lineno}: {message}\n"
        return _format[-1](message, category, filename, lineno, line)

    warnings.formatwarning = formatwarning


def _listen_to_optimizers(wanted):
    """Tell of `lr=` and `decay=`, which only the caller's words show: the classes themselves know no other names."""
    for name in optimizers.__all__:
        cls = getattr(optimizers, name)
        init = vars(cls).get("__init__") if isinstance(cls, type) else None
        if init is None or hasattr(init, "__wrapped__") == wanted:
            continue
        cls.__init__ = _telling(init) if wanted else init.__wrapped__


def _telling(init):
    @functools.wraps(init)
    def __init__(self, *args, **kwargs):
        legacy.note("optimizer", kwargs)
        init(self, *args, **kwargs)

    return __init__

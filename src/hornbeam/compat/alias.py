"""Modules called `keras...` whose names are Hornbeam's own objects."""

import importlib
import linecache
import types

from hornbeam import checks, legacy, registry
from hornbeam.compat.modules import SOURCES, STARS, VERSION

# Where a program may hang functions of its own, so that names in its models and files find them.
_OPEN = ("activations", "constraints", "initializers", "layers", "losses", "metrics", "objectives", "regularizers")


class AliasModule(types.ModuleType):
    """A module of classic Keras. What it holds are the very classes and functions of Hornbeam.

    Names that Keras has dropped since, and modules inside, are found when they are asked for.
    """

    _place: str
    _sources: tuple
    __all__: list

    def __init__(self, name, place):
        super().__init__(name, f"{name}: Hornbeam's objects under their classic names.")
        self.__dict__["_place"] = place
        self.__dict__["_sources"] = ()

    def fill(self):
        """Take over the names of the modules behind this one."""
        place = self._place
        self.__dict__["_sources"] = sources = tuple(importlib.import_module(name) for name in SOURCES[place])
        known = [*legacy.NAMES.get(place, ())]
        for source in reversed(sources):
            for name in getattr(source, "__all__", None) or _public(source):
                found = getattr(source, name)
                # Modules are found below this one; names of other times are told of when they are asked for.
                if not isinstance(found, types.ModuleType) and name not in legacy.NAMES.get(place, ()):
                    self.__dict__[name] = found
                    known.append(name)
        if not place:
            self.__dict__["__version__"] = VERSION
            known += [name for name in SOURCES if name and "." not in name]
        self.__dict__["__all__"] = STARS[place].split() if place in STARS else sorted(set(known))
        if place in legacy.MODULES:
            today = legacy.MODULES[place]
            legacy.tell({place}, f"keras.{place} is the spelling of Keras 1; write keras.{today}.")

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        place = self._place
        if _below(place, name) in SOURCES:
            return importlib.import_module(f"{self.__name__}.{name}")
        today = legacy.NAMES.get(place, {}).get(name, name)
        for source in self._sources:
            if hasattr(source, today):
                found = getattr(source, today)
                break
        else:
            raise AttributeError(missing(self, name))
        if today != name and not _is_star_import():
            legacy.tell({(place, name)}, f"keras.{place}.{name} is the spelling of old Keras; write {today}.")
            self.__dict__[name] = found
        return found

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        module = isinstance(value, types.ModuleType)
        if self._place in _OPEN and callable(value) and not module:  # keras.losses.mine = mine; load_model(...)
            registry.get_custom_objects()[name] = value

    def __dir__(self):
        inside = [name for name in SOURCES if name and name == _below(self._place, name.rpartition(".")[2])]
        own = [name for name in vars(self) if not name.startswith("_")]
        return sorted({*own, *self.__all__, *(name.rpartition(".")[2] for name in inside)})


class CallableAlias(AliasModule):
    """`keras.layers.merge`: a function in Keras 1, a module in Keras 2. This is both."""

    def __call__(self, *args, **kwargs):
        from hornbeam.compat.keras1 import merge

        return merge(*args, **kwargs)


def _public(source):
    return [name for name in vars(source) if not name.startswith("_")]


def _below(place, name):
    return f"{place}.{name}" if place else name


def missing(module, name):
    """The sentence that answers a name that `module` does not have."""
    return str(
        checks.unknown_name(
            f"name in {module.__name__}, which is Hornbeam here:", name, dir(module),
            "Hornbeam has the names of Keras 1 and 2.",
        )
    )  # fmt: skip


def _is_star_import():
    """Is the program about to take all names of a module?"""
    frame = legacy.users_frame()
    return "import *" in linecache.getline(frame.f_code.co_filename, frame.f_lineno)

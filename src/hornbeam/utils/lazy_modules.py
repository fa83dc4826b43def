"""Packages whose modules are loaded when first used, so that `import hornbeam` does not wait for them."""

import importlib
import sys


def offered_lazily(package, modules):
    """The `__getattr__` and `__dir__` of a package that loads what it offers when that is first asked for.

    Args:
        package: the package's `__name__`.
        modules: dict from the name of a module in it to the names in the module that the package offers too.

    Example:
        >>> get, names = offered_lazily("json", {"decoder": ("JSONDecoder",)})
        >>> get("JSONDecoder").__name__
        'JSONDecoder'
    """
    home_of = {name: module for module, names in modules.items() for name in names}

    def get(name):
        if name in modules:
            return importlib.import_module(f"{package}.{name}")
        if name in home_of:
            return getattr(importlib.import_module(f"{package}.{home_of[name]}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def names():
        return sorted({*vars(sys.modules[package]), *modules, *home_of})

    return get, names

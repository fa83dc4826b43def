"""Running a script as Python does, on the aliases: what `hornbeam run` is."""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import tokenize
import types
from pathlib import Path

from hornbeam import legacy
from hornbeam.compat.finder import install

# Where worker processes find which script they belong to (compat/worker_main.py).
SCRIPT_VARIABLE = "HORNBEAM_SCRIPT"


class ScriptLoader(importlib.abc.InspectLoader):
    """Reads a script and carries it out in a module; keeps no bytecode, as Python keeps none of scripts."""

    def __init__(self, path):
        self.path = str(path)

    def get_source(self, fullname):
        """The text of the script, by the encoding it declares."""
        with tokenize.open(self.path) as file:
            return file.read()

    def get_code(self, fullname):
        """The compiled script, whose tracebacks show its lines."""
        return self.source_to_code(Path(self.path).read_bytes(), self.path)


class _MainSpec(importlib.machinery.ModuleSpec):
    """Spec of a main module. Worker processes begin by its name: they need the aliases before they read the script."""

    def __init__(self, package):
        super().__init__("hornbeam.compat.worker_main", None)
        self.package = package

    parent = property(lambda self: self.package or "", doc="What relative imports start from.")


def run(target, arguments=(), quiet=False, module=False):
    """Carry out a script as the main program, with Hornbeam as its Keras.

    Args:
        target: path of the script; or the name of a module, with `module`.
        arguments: what it finds in sys.argv[1:].
        quiet: say nothing of old spellings.
        module: is `target` a module, as for `python -m`?

    Returns:
        exit status: 0; 1 after an exception, whose traceback begins in the script; 2 where there is no script.

    Raises:
        SystemExit: by the script itself.
    """
    path, package = _module_file(target) if module else (_script_file(target), None)
    if path is None:
        print(f"hornbeam run: there is no {'module' if module else 'file'} {target!r}.", file=sys.stderr)
        return 2
    legacy.mode["quiet"] = quiet
    install()
    loader = ScriptLoader(path)
    main = types.ModuleType("__main__")
    main.__spec__ = _MainSpec(package)
    main.__file__, main.__loader__, main.__package__ = str(path), loader, package
    vars(main)["__builtins__"] = __builtins__
    os.environ[SCRIPT_VARIABLE] = os.path.abspath(path)
    sys.modules["__main__"] = main
    sys.argv[:] = [str(path), *arguments]
    if not sys.flags.safe_path:
        sys.path[0] = os.getcwd() if module else os.path.dirname(os.path.abspath(path))
    try:
        loader.exec_module(main)
    except SystemExit:
        raise
    except BaseException as error:
        sys.excepthook(type(error), error.with_traceback(_from(str(path), error.__traceback__)), error.__traceback__)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _script_file(target):
    path = Path(target)
    if path.is_dir():
        path = path / "__main__.py"
    return path if path.is_file() else None


def _module_file(name):
    """(file, package) of what `python -m name` runs, or (None, None)."""
    if not sys.flags.safe_path:
        sys.path[0] = os.getcwd()
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
    except ModuleNotFoundError:
        spec = None
    return (spec.origin, spec.parent) if spec is not None and spec.origin else (None, None)


def _from(path, traceback):
    """The part of a traceback from the script on: what carried it out is none of the user's business."""
    while traceback is not None and traceback.tb_frame.f_code.co_filename != path:
        traceback = traceback.tb_next
    return traceback

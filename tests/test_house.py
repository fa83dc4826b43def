"""The rules of the house: which way imports point, who may name the engine, how big a file may be, what loads when.

The floors are explained in docs/decisions/0001-*.md. A new file or folder gets its floor here, in FLOORS.
"""

import ast
import graphlib
import json
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"
FACE = "hornbeam"

# Lowest first. A room is a folder or a single file directly under src/hornbeam.
FLOORS = {
    1: ["config", "registry", "nest", "checks", "host_cores", "host_memory", "scope", "symbolic", "legacy", "utils"],
    2: ["engines", "datasets", "preprocessing"],
    3: ["backend", "distribution"],
    4: ["activations", "initializers", "regularizers", "constraints", "losses", "metrics", "saving"],
    5: ["core", "optimizers"],
    6: ["layers", "training"],
    7: ["models", "callbacks", "validation"],
    8: ["applications", "export", "wrappers"],
    9: ["compat", "demo", "selftest"],
    10: ["as_keras", "cli"],
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}
TOP = 9  # from here up the face may be imported

# The rooms that may name the engine.
ENGINE_ROOMS = {"engines", "config"}

# A file may pass MOST_LINES when its reason stands here: {"layers/recurrent.py": "why"}.
MOST_LINES = 700
LONG_FILES: dict[str, str] = {}

# What `import hornbeam` must leave alone until it is first used.
LAZY = ["h5py", "rich", "matplotlib", "pandas", "sklearn", "optax", "keras", "tensorflow", "torch"]

FORBIDDEN_MODULES = {"pickle", "marshal"}
FORBIDDEN_CALLS = {"eval", "exec"}

FILES = sorted((SOURCE / FACE).rglob("*.py"))


def module_name(file: Path) -> str:
    parts = file.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(file): file for file in FILES}
PACKAGES = {name for name, file in MODULES.items() if file.name == "__init__.py"}


def room_of(module: str) -> str:
    """The folder or file directly under src/hornbeam that a module belongs to; the face is a room of its own."""
    return FACE if module == FACE else module.split(".")[1]


def imports_of(source: str, module: str, *, modules=frozenset(MODULES), packages=frozenset(PACKAGES), inside=True):
    """List (line, module) for all of Hornbeam that a source text imports.

    `from hornbeam.layers import dense` is an import of hornbeam.layers.dense if that is a module, of hornbeam.layers
    otherwise. With inside=False only what runs on import counts: nothing in functions or under TYPE_CHECKING.
    """
    found = []
    for node in ast.walk(ast.parse(source)) if inside else _run_on_import(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node.module or "", node.level, module, packages)
            for alias in node.names:
                child = f"{base}.{alias.name}"
                found.append((node.lineno, child if child in modules else base))
        elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__") and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                level = len(name.value) - len(name.value.lstrip("."))
                found.append((node.lineno, _absolute(name.value.lstrip("."), level, module, packages)))
    return sorted({(line, name) for line, name in found if name == FACE or name.startswith(FACE + ".")})


def _absolute(name: str, level: int, module: str, packages) -> str:
    """The full name of a relative import: one dot is the module's package, each further dot the package above."""
    if level == 0:
        return name
    package = module.split(".") if module in packages else module.split(".")[:-1]
    base = package[: len(package) - (level - 1)]
    return ".".join([*base, name] if name else base)


def _called(call: ast.Call) -> str:
    """The bare name of what is called: `import_module` for importlib.import_module(...)."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _run_on_import(tree: ast.AST):
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _run_on_import(node)


def why_not(importer: str, imported: str, *, packages=frozenset(PACKAGES)) -> str | None:
    """Say why a module may not import another, or None where it may."""
    here, there = room_of(importer), room_of(imported)
    if here in (FACE, there):
        return None
    for room in (here, there):
        if room != FACE and room not in FLOOR_OF:
            return f"{room} has no floor: give it one in FLOORS"
    if there == FACE:
        return None if FLOOR_OF[here] >= TOP else "only the top floors may import the face"
    if FLOOR_OF[there] < FLOOR_OF[here]:
        return None
    # On one floor the single files share a folder, and a folder may lean on them. It never goes the other way, nor
    # from folder to folder, so a floor has no circle of folders.
    if FLOOR_OF[there] == FLOOR_OF[here] and f"{FACE}.{there}" not in packages:
        return None
    return f"{there} (floor {FLOOR_OF[there]}) is not below {here} (floor {FLOOR_OF[here]})"


def relative(file: Path) -> str:
    return file.relative_to(SOURCE / FACE).as_posix()


@pytest.fixture(params=FILES, ids=relative)
def file(request) -> Path:
    return request.param


def test_there_is_a_house():
    assert FACE in MODULES
    assert len(FILES) > 20


def test_every_room_has_a_floor():
    rooms = {room_of(module) for module in MODULES} - {FACE}
    assert rooms <= set(FLOOR_OF), f"no floor in FLOORS for {sorted(rooms - set(FLOOR_OF))}"


def test_imports_point_down(file):
    importer = module_name(file)
    wrong = []
    for line, imported in imports_of(file.read_text(encoding="utf-8"), importer):
        reason = why_not(importer, imported)
        if reason:
            wrong.append(f"{relative(file)}:{line} imports {imported}: {reason}")
    assert not wrong, "\n".join(wrong)


def test_no_circle_of_imports():
    graph = {}
    for module, path in MODULES.items():
        found = imports_of(path.read_text(encoding="utf-8"), module, inside=False)
        graph[module] = {imported for _, imported in found if imported in MODULES} - {module}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as circle:
        pytest.fail("these import each other: " + " -> ".join(circle.args[1]))


def test_only_the_engine_rooms_name_the_engine(file):
    if room_of(module_name(file)) in ENGINE_ROOMS:
        return
    lines = file.read_text(encoding="utf-8").splitlines()
    named = [f"{relative(file)}:{n} {line.strip()}" for n, line in enumerate(lines, 1) if "jax" in line.lower()]
    assert not named, "say `engine`, and keep its name in engines/ and config.py:\n" + "\n".join(named)


def test_files_stay_readable(file):
    lines = len(file.read_text(encoding="utf-8").splitlines())
    limit = 10**9 if LONG_FILES.get(relative(file)) else MOST_LINES
    assert lines <= limit, f"{relative(file)} has {lines} lines: split it, or give the reason in LONG_FILES"


def test_no_reason_outlives_its_long_file():
    for name in LONG_FILES:
        lines = len((SOURCE / FACE / name).read_text(encoding="utf-8").splitlines())
        assert lines > MOST_LINES, f"{name} has {lines} lines and needs no entry in LONG_FILES"


def test_first_line_says_what_lives_there(file):
    text = file.read_text(encoding="utf-8")
    first = text.splitlines()[0] if text else ""
    says = re.match(r'(?:#|r?"""|r?\'\'\')(.*)', first)
    assert says, f"{relative(file)} begins with {first!r}: say in its first line what lives there"
    assert len(re.findall(r"\w+", says[1])) > 1, f"{relative(file)} begins with {first!r}, which says little"


def forbidden_in(source: str) -> list[tuple[int, str]]:
    """List (line, what) for assert statements, eval and exec, and imports of modules that run what they read."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert):
            found.append((node.lineno, "assert"))
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name.removeprefix("builtins.") in FORBIDDEN_CALLS:
                found.append((node.lineno, name))
            if _called(node) in ("import_module", "__import__") and node.args:
                words = {ast.unparse(node.args[0]).strip("'\"")}
                found += [(node.lineno, word) for word in words & FORBIDDEN_MODULES]
        elif isinstance(node, ast.Import):
            words = {alias.name.split(".")[0] for alias in node.names}
            found += [(node.lineno, word) for word in words & FORBIDDEN_MODULES]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module in FORBIDDEN_MODULES:
            found.append((node.lineno, node.module))
    return found


def test_nothing_forbidden(file):
    wrong = forbidden_in(file.read_text(encoding="utf-8"))
    assert not wrong, "\n".join(f"{relative(file)}:{line} uses {what}" for line, what in wrong)


# The rules themselves, on sources small enough to see that they are caught.

SMALL = frozenset({FACE, "hornbeam.layers", "hornbeam.layers.dense", "hornbeam.layers.core", "hornbeam.nest"})
SMALL_PACKAGES = frozenset({FACE, "hornbeam.layers"})


@pytest.mark.parametrize(
    ("source", "imported"),
    [
        ("import hornbeam.nest", "hornbeam.nest"),
        ("import hornbeam", "hornbeam"),
        ("from hornbeam import nest", "hornbeam.nest"),
        ("from hornbeam import Model", "hornbeam"),
        ("from hornbeam.layers.core import Layer", "hornbeam.layers.core"),
        ("from .core import Layer", "hornbeam.layers.core"),
        ("from . import core", "hornbeam.layers.core"),
        ("from .. import nest", "hornbeam.nest"),
        ("from ..nest import flatten", "hornbeam.nest"),
        ("def f():\n    from .. import nest", "hornbeam.nest"),
        ("import importlib\nimportlib.import_module('hornbeam.nest')", "hornbeam.nest"),
        ("import importlib\nimportlib.import_module('..nest', __package__)", "hornbeam.nest"),
    ],
)
def test_an_import_is_seen(source, imported):
    found = imports_of(source, "hornbeam.layers.dense", modules=SMALL, packages=SMALL_PACKAGES)
    assert [name for _, name in found] == [imported]


def test_a_package_imports_from_itself():
    found = imports_of("from .dense import Dense", "hornbeam.layers", modules=SMALL, packages=SMALL_PACKAGES)
    assert found == [(1, "hornbeam.layers.dense")]


def test_what_runs_later_is_no_import_at_import():
    later = "if TYPE_CHECKING:\n    from . import core\ndef f():\n    from .. import nest\n"
    source = later + "class A:\n    from . import dense"
    found = imports_of(source, "hornbeam.layers.core", modules=SMALL, packages=SMALL_PACKAGES, inside=False)
    assert found == [(6, "hornbeam.layers.dense")]


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("hornbeam.layers.dense", "hornbeam.backend", True),
        ("hornbeam.layers.dense", "hornbeam.layers.core", True),
        ("hornbeam.losses", "hornbeam.activations", True),
        ("hornbeam.saving.h5", "hornbeam.losses", True),
        ("hornbeam.losses", "hornbeam.saving.h5", False),
        ("hornbeam.layers.dense", "hornbeam.training.trainer", False),
        ("hornbeam.backend.random", "hornbeam.layers.dense", False),
        ("hornbeam.nest", "hornbeam.layers", False),
        ("hornbeam.models.model", "hornbeam", False),
        ("hornbeam.compat.run", "hornbeam", True),
        ("hornbeam", "hornbeam.layers", True),
        ("hornbeam.layers.dense", "hornbeam.attic", False),
    ],
)
def test_the_direction_of_imports(importer, imported, allowed):
    packages = frozenset(f"{FACE}.{room}" for room in ("saving", "training", "layers", "core", "models", "compat"))
    assert (why_not(importer, imported, packages=packages) is None) == allowed


@pytest.mark.parametrize(
    "source",
    [
        "assert x",
        "eval('1')",
        "import builtins\nbuiltins.exec('1')",
        "import pickle",
        "from marshal import loads",
        "__import__('pickle')",
    ],
)
def test_the_forbidden_is_seen(source):
    assert forbidden_in(source)


def test_other_uses_of_the_words_are_free():
    assert not forbidden_in("def f(K, model):\n    '''no eval(x) here'''\n    model.eval()\n    return K.eval(1)")


# What an import loads and costs.


def test_import_leaves_heavy_libraries_alone(run_python):
    loaded = json.loads(run_python("import hornbeam, json, sys; print(json.dumps(sorted(sys.modules)))"))
    assert FACE in loaded
    assert not set(LAZY) & set(loaded)


def test_import_costs_little_more_than_the_engine(run_python):
    def import_s(module: str) -> float:
        # An import computes and waits for nothing, so on an idle machine this is the time it takes. On a busy one, time
        # by the clock would measure the others.
        clock = "time.process_time()"
        program = f"import time; start = {clock}; import {module}; print({clock} - start)"
        # Bytecode is kept, as in any installation, even where the shell forbids it: compiling is not importing.
        return float(run_python(program, PYTHONDONTWRITEBYTECODE=""))

    # The least of interleaved runs is what the import costs. Caches shared with other programs still add to it, so a
    # busy machine gets more rounds before the answer counts; a slow import fails all of them. A slow processor takes
    # longer for both, so above 0.15 s a share of the engine's own time counts: it is a quarter where this was written.
    engine_s, hornbeam_s = [], []
    for _ in range(12):
        engine_s.append(import_s("jax"))
        hornbeam_s.append(import_s(FACE))
        if len(engine_s) >= 2 and min(hornbeam_s) <= min(engine_s) + max(0.15, 0.4 * min(engine_s)):
            return
    pytest.fail(f"import hornbeam took {min(hornbeam_s):.2f} s, the engine alone {min(engine_s):.2f} s")

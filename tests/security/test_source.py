"""The source itself: nothing in it runs what it reads, loads by a name out of a file, or opens HDF5 unguarded."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "hornbeam"
FILES = sorted(SOURCE.rglob("*.py"))

# Modules that run what they read, or run programs, or make Python values of text.
FORBIDDEN_IMPORTS = {
    "pickle", "_pickle", "marshal", "dill", "cloudpickle", "joblib", "shelve", "code", "codeop", "runpy", "pty", "imp",
    "ctypes", "cffi", "xmlrpc", "telnetlib", "webbrowser",
}  # fmt: skip
FORBIDDEN_BUILTINS = {"eval", "exec", "compile", "__import__", "breakpoint"}
# (object, method): what only looks like calls of these on anything is told by the object's name.
FORBIDDEN_METHODS = {
    ("os", "system"), ("os", "popen"), ("os", "execv"), ("os", "execve"), ("os", "spawnv"), ("os", "fork"),
    ("yaml", "load_all"), ("yaml", "unsafe_load"), ("yaml", "full_load"), ("torch", "load"), ("types", "FunctionType"),
    ("types", "CodeType"), ("builtins", "eval"), ("builtins", "exec"), ("tarfile", "extractall"),
}  # fmt: skip
FORBIDDEN_ATTRIBUTES = {"extractall", "__globals__", "__code__", "__subclasses__", "__builtins__", "func_globals"}

# Files that may do one of these things, and why.
ALLOWED = {
    ("utils/optional.py", "import_module"): "names come from the callers in this package, checked below",
    ("utils/lazy_modules.py", "import_module"): "modules of the caller's own table, in this package",
    ("compat/alias.py", "import_module"): "modules of compat's tables, by the names that old code imports",
    ("compat/finder.py", "import_module"): "the same",
    ("compat/standins.py", "import_module"): "the same",
    ("saving/isolation.py", "subprocess"): "starts the interpreter on a script of ours to read an untrusted file apart",
    ("utils/drawing/dot.py", "subprocess"): "runs graphviz, if there is one, on a text of ours, when a user asks",
    ("engines/__init__.py", "import_module"): "the engine's name is one of config.ENGINES",
    ("engines/jax/memory.py", "ctypes"): "settings of the C allocator, at import",
    ("training/hooks.py", "import_module"): "two names, written beside it",
    ("training/sources/tables.py", "import_module"): "one of three libraries, named beside it",
    ("training/validation/fingerprint.py", "__code__"): "compares functions of the running program, makes none",
    ("saving/text.py", "yaml.load"): "with a subclass of SafeLoader, tested by its 50 payloads",
}


def name_of(node):
    """'np.load' for the function of a call np.load(...)."""
    return ast.unparse(node) if isinstance(node, (ast.Name, ast.Attribute)) else ""


def faults_in(source):
    """List (line, what) of all that is forbidden."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, a.name) for a in node.names if a.name.split(".")[0] in FORBIDDEN_IMPORTS]
            found += [(node.lineno, "subprocess") for a in node.names if a.name == "subprocess"]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            top = (node.module or "").split(".")[0]
            found += [(node.lineno, top)] if top in {*FORBIDDEN_IMPORTS, "subprocess"} else []
        elif isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_ATTRIBUTES:
            found.append((node.lineno, node.attr))
        elif isinstance(node, ast.Call):
            found += faults_of_call(node)
    return found


def faults_of_call(node):
    called = name_of(node.func)
    owner, _, method = called.rpartition(".")
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    found = []
    if called in FORBIDDEN_BUILTINS or (owner.split(".")[-1], method) in FORBIDDEN_METHODS:
        found.append((node.lineno, called))
    if method == "import_module" and not (node.args and isinstance(node.args[0], ast.Constant)):
        found.append((node.lineno, "import_module"))
    if called == "yaml.load":
        found.append((node.lineno, "yaml.load"))
    if "allow_pickle" in keywords and ast.unparse(keywords["allow_pickle"]) != "False":
        found.append((node.lineno, "allow_pickle"))
    if "shell" in keywords and ast.unparse(keywords["shell"]) != "False":
        found.append((node.lineno, "shell"))
    if called in ("np.load", "numpy.load") and "allow_pickle" not in keywords:
        found.append((node.lineno, "np.load without allow_pickle=False"))
    if method == "File" and owner.endswith("h5py") and not _writes(node, keywords):
        found.append((node.lineno, "h5py.File for reading"))
    return found


def _writes(node, keywords):
    mode = node.args[1] if len(node.args) > 1 else keywords.get("mode")
    return isinstance(mode, ast.Constant) and mode.value in ("w", "w-", "x")


def test_there_is_a_source():
    assert len(FILES) > 100


# Where h5py reads a file: nowhere but behind the guard, and in these.
READS_HDF5 = {
    "compat/io_utils.py": "H5Dict: files that old code keeps its own data in; nothing here makes models of them",
    "utils/io_utils.py": "HDF5Matrix: data of the user's own, which is no model",
    "saving/model_files.py": "copies the file that it has just written itself into a group that the caller has opened",
}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(SOURCE).as_posix())
def test_nothing_runs_what_it_reads(file):
    place = file.relative_to(SOURCE).as_posix()
    found = [
        f"{place}:{line} {what}"
        for line, what in faults_in(file.read_text(encoding="utf-8"))
        if (place, what) not in ALLOWED and not (what == "h5py.File for reading" and place in READS_HDF5)
    ]
    assert not found, "\n".join(found)


def test_the_exceptions_are_still_needed():
    for place, what in ALLOWED:
        assert what in [fault for _, fault in faults_in((SOURCE / place).read_text(encoding="utf-8"))], place


def test_libraries_are_required_by_names_in_the_source():
    """`optional.require(name, ...)`: the name, or its library, is a constant wherever that is called."""
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "require(" in text else ():
            if isinstance(node, ast.Call) and name_of(node.func).rpartition(".")[2] == "require":
                name = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
                known = isinstance(name, ast.Constant) and (name is node.args[0] or "." in name.value)
                assert known, f"{file.name}:{node.lineno} {ast.unparse(node)}"


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from marshal import loads", "import subprocess", "eval('1')", "exec(x)", "compile(x, y, z)",
        "__import__(name)", "importlib.import_module(name)", "np.load(path)", "np.load(p, allow_pickle=True)",
        "numpy.load(p, allow_pickle=flag)", "yaml.load(text, Loader)", "yaml.unsafe_load(t)", "os.system('x')",
        "types.FunctionType(code, {})", "f.__globals__", "archive.extractall(path)", "h5py.File(path)",
        "h5py.File(path, 'r')", "h5py.File(path, mode='a')", "run(x, shell=True)", "import torch\ntorch.load(path)",
        "object.__subclasses__()", "import joblib.numpy_pickle",
    ],
)  # fmt: skip
def test_the_forbidden_is_seen(source):
    assert faults_in(source)


@pytest.mark.parametrize(
    "source",
    ["model.compile('sgd')", "K.eval(x)", "np.load(p, allow_pickle=False)", "importlib.import_module('json')",
     "h5py.File(path, 'w')", "re.compile('x')", "json.load(file)", "self.load(x)"],
)  # fmt: skip
def test_other_uses_of_the_words_are_free(source):
    assert not faults_in(source)

"""The command `hornbeam`: demo, run, convert, summary, doctor, --version."""

import argparse
import importlib.metadata
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np

from hornbeam import backend as K
from hornbeam import checks, config, models, selftest
from hornbeam.host_cores import usable_cores
from hornbeam.saving.atomic import replacing
from hornbeam.saving.errors import ModelFileError
from hornbeam.saving.reading import kind_of, read_weights
from hornbeam.utils.optional import EXTRAS

NEEDED = ("numpy", "h5py", "rich")
# What pip calls a library where its module has another name.
PIP_NAMES = {"sklearn": "scikit-learn", "yaml": "PyYAML", "PIL": "pillow"}


def version_of(library: str):
    """Installed version of a library, or None."""
    try:
        return importlib.metadata.version(PIP_NAMES.get(library, library))
    except importlib.metadata.PackageNotFoundError:
        return None


def demo(arguments):
    """Train on handwritten digits and draw what was learned."""
    from hornbeam import demo as room

    room.run(epochs=arguments.epochs or room.EPOCHS, out=arguments.out)


def run(arguments):
    """Run a script written for Keras, unchanged."""
    from hornbeam.compat import script

    return script.run(arguments.script, arguments.arguments, arguments.quiet, arguments.module)


def doctor(arguments):
    """Say what is installed, what computes, and where things are kept; then compute something known."""
    for line in findings():
        print(line)
    began = time.monotonic()
    faults = selftest.faults()
    took_s = time.monotonic() - began
    for fault in faults:
        print(_line("self-test", f"FAILED: {fault}"))
    if not faults:
        print(_line("self-test", f"OK: trained, compared with numbers worked by hand, saved, loaded ({took_s:.1f} s)"))
    return 1 if faults else 0


def findings():
    """The lines of `hornbeam doctor`."""
    yield _line("hornbeam", version_of("hornbeam") or "not installed: runs from source")
    yield _line("python", f"{platform.python_version()} ({sys.executable})")
    yield _line("system", platform.platform())
    yield _line("engine", f"{K.backend()} {version_of(str(K.backend())) or ''}".rstrip())
    yield _line("devices", ", ".join(_devices()))
    yield _line("cores", _cores())
    yield _line("settings", f"floatx {K.floatx()}, image_data_format {K.image_data_format()}, epsilon {K.epsilon():g}")
    yield _line("folder", _folder(config.keras_home()))
    for name in ("datasets", "models"):
        yield _line(f"  {name}", _cached(config.keras_home() / name))
    programs = config.programs_folder()
    yield _line("compiled", "not kept: HORNBEAM_PROGRAM_CACHE is off" if programs is None else _cached(programs))
    for library in NEEDED:
        yield _line(library, version_of(library) or f"MISSING: pip install {library}")
    for library, extra in EXTRAS.items():
        name = PIP_NAMES.get(library, library)
        yield _line(name, version_of(library) or f'not installed (optional): pip install "hornbeam[{extra}]"')


def _line(name, text):
    return f"{name:14}{text}"


def _devices():
    """Where a fresh array of the engine lies."""
    array = K.random_uniform((1,))
    return sorted(str(device) for device in array.devices()) if hasattr(array, "devices") else ["cpu"]


def _cores():
    return f"{usable_cores()} of {os.cpu_count()} usable"


def _folder(path):
    if not path.exists():
        return f"{path} (not there yet)"
    return f"{path}" + ("" if os.access(path, os.W_OK) else " (NOT WRITABLE: set KERAS_HOME to a folder that is)")


def _cached(path):
    """A folder of downloads: how much lies in it."""
    if not path.exists():
        return _folder(path)
    sizes = [file.stat().st_size for file in path.rglob("*") if file.is_file()]
    return f"{_folder(path)}: {len(sizes)} files, {sum(sizes) / 1e6:,.1f} MB"


# --- Files of models ---

# What a file holds, by the end of its name.
_TARGETS = {
    ".keras": "the whole model", ".h5": "the whole model", ".hdf5": "the whole model", ".weights.h5": "weights",
    ".npz": "weights", ".safetensors": "weights", ".json": "architecture", ".yaml": "architecture",
    ".onnx": "inference, for onnxruntime and its like", ".stablehlo": "inference, as a compiled program",
}  # fmt: skip


def convert(arguments):
    """Write a model into a file of another kind, which the suffix of its name says."""
    target = Path(arguments.target)
    name = target.name.lower()
    suffix = ".weights.h5" if name.endswith(".weights.h5") else target.suffix.lower()
    if suffix not in _TARGETS:
        raise checks.unknown_name("suffix", suffix, _TARGETS, f"It says what {target.name!r} is to be.")
    training = _TARGETS[suffix] == "the whole model" and not arguments.no_training
    model = models.load_model(arguments.source, compile=training, untrusted=arguments.untrusted)
    if _TARGETS[suffix] == "the whole model":
        model.save(target, include_optimizer=training)
    elif _TARGETS[suffix] == "weights":
        model.save_weights(target)
    elif _TARGETS[suffix] == "architecture":
        text = model.to_json(indent=2) if suffix == ".json" else model.to_yaml()
        with replacing(target) as temporary:
            Path(temporary).write_text(text, encoding="utf-8")
    else:
        more = {"opset": arguments.opset} if suffix == ".onnx" and arguments.opset else {}
        model.export(target, format=suffix[1:], **more)
    print(f"{target}: {_TARGETS[suffix]}, {target.stat().st_size:,} bytes")


def summary(arguments):
    """Print the layers of a model in a file, or the names and shapes of weights."""
    path = Path(arguments.file)
    if path.suffix.lower() in (".json", ".yaml", ".yml"):
        text = path.read_text(encoding="utf-8")
        (models.model_from_json if path.suffix.lower() == ".json" else models.model_from_yaml)(text).summary()
        return
    if kind_of(path) in ("h5", "keras"):
        try:
            models.load_model(path, compile=False, untrusted=arguments.untrusted).summary()
            return
        except ModelFileError as error:
            if "weights only" not in str(error):
                raise
    for line in _weights_in(path):
        print(line)


def _weights_in(path):
    """Names and shapes of the weights in a file that holds nothing else."""
    count = 0
    for layer in read_weights(path).layers:
        for name, value in layer.weights:
            count += value.size
            yield f"{name:48}{tuple(np.shape(value))!s:24}{value.dtype}"
    yield f"Total params: {count:,}"


COMMANDS = {"demo": demo, "run": run, "convert": convert, "summary": summary, "doctor": doctor}


def _parser():
    parser = argparse.ArgumentParser(prog="hornbeam", description="Classic Keras on a modern compiled engine.")
    parser.add_argument("--version", action="version", version=f"hornbeam {version_of('hornbeam') or '(from source)'}")
    commands = parser.add_subparsers(dest="command", metavar="{" + ",".join(COMMANDS) + "}")
    words = {name: (function.__doc__ or "").strip() for name, function in COMMANDS.items()}
    parsers = {
        name: commands.add_parser(name, help=words[name], description=f"hornbeam {name}: {words[name]}")
        for name in COMMANDS
    }
    parsers["demo"].add_argument("--epochs", type=_positive, help="passes over the images (16)")
    parsers["demo"].add_argument("--out", default="demo", help="folder for the pictures (demo)")
    parsers["run"].add_argument("--quiet", action="store_true", help="say nothing of old spellings")
    parsers["run"].add_argument("-m", dest="module", action="store_true", help="run a module, as python -m does")
    parsers["run"].add_argument("script", help="the script: `import keras` and tensorflow.keras are Hornbeam in it")
    parsers["run"].add_argument("arguments", nargs=argparse.REMAINDER, help="what the script finds in sys.argv")
    parsers["convert"].add_argument("source", help="a model: .keras or .h5, of any Keras")
    parsers["convert"].add_argument("target", help=f"the file to write: *{', *'.join(_TARGETS)}")
    parsers["convert"].add_argument("--no-training", action="store_true", help="leave out optimizer, loss and metrics")
    parsers["convert"].add_argument("--opset", type=_positive, help="version of the ONNX operators")
    parsers["summary"].add_argument("file", help="a model, its weights, or its architecture (.json, .yaml)")
    for name in ("convert", "summary"):
        parsers[name].add_argument(
            "--untrusted", action="store_true", help="read the file in a process of its own, with bounds on its memory"
        )
    return parser


def _positive(text):
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 on, got {text!r}")
    return number


def main(arguments=None):
    """Run the command line.

    Args:
        arguments: list of words; None takes the program's own.

    Returns:
        exit status: 0, a script's own, or 1 with a message on the error stream where a library or a file is missing, or
        does not serve.

    Raises:
        SystemExit: status 2, where the command line is wrong; 0 after --help and --version.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    parser = _parser()
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        parser.error(str(checks.unknown_name("command", words[0], COMMANDS)))
    given = parser.parse_args(words)
    if given.command is None:
        parser.print_help()
        return 0
    try:
        return COMMANDS[given.command](given) or 0
    except (ImportError, OSError, ValueError, TypeError, NotImplementedError) as error:
        print(f"hornbeam {given.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())

"""Libraries that are loaded when first used, and the exact line that installs one that is missing."""

import importlib

# Top-level module -> the extra of this package that brings it.
EXTRAS = {
    "matplotlib": "plot", "pandas": "data", "sklearn": "data", "onnx": "onnx", "tensorboardX": "tensorboard",
    "yaml": "yaml", "PIL": "image", "rjieba": "zh",
}  # fmt: skip


def require(module, purpose):
    """Import `module`, or say how to install it.

    Args:
        module: full name, such as 'matplotlib.figure'.
        purpose: who needs it, as the beginning of the message: 'History.plot'.

    Raises:
        ImportError: it is not installed; the message holds the pip line.

    Example:
        >>> require("json", "this example").dumps([1])
        '[1]'
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        library = module.split(".")[0]
        if error.name is not None and error.name.split(".")[0] != library:
            raise  # the library is there, something that it needs is not
        wanted = f'"hornbeam[{EXTRAS[library]}]"' if library in EXTRAS else library
        raise ImportError(f"{purpose} needs {library}, which is not installed: pip install {wanted}") from error

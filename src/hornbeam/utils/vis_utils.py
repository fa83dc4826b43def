"""`plot_model` and `model_to_dot`: the graph of a model as a picture, or in graphviz's language."""

import contextlib
import importlib
import os
import sys
import tempfile

from hornbeam import checks
from hornbeam.utils import drawing

_OWN = ("svg", "dot")  # need nothing installed
_PAINTED = ("png", "pdf", "jpg", "jpeg", "eps", "ps")  # need matplotlib
_BY_GRAPHVIZ = ("svg", "png", "pdf", "jpg", "jpeg", "eps", "ps", "gif", "webp")
_DIRECTIONS = ("TB", "BT", "LR", "RL")


def plot_model(
    model, to_file="model.png", show_shapes=False, show_layer_names=True, rankdir="TB", expand_nested=False, dpi=96,
    show_dtype=False, layer_range=None, show_layer_activations=False, show_trainable=False, splines=None,
):  # fmt: skip
    """Draw the graph of a model into a file.

    An .svg file needs nothing installed, .png and .pdf need matplotlib. Where graphviz and pydot are both installed,
    graphviz draws. A layer that is used several times is one box with several arrows; operations between layers are
    round boxes.

    Args:
        model: a model; a Sequential must know its input shape.
        to_file: path; its suffix is the format: .png (also without a suffix), .svg, .pdf, .jpg, .eps, .ps, or .dot
            for graphviz's language.
        show_shapes: input and output shapes in the boxes?
        show_layer_names: names beside the classes?
        rankdir: where arrows lead: 'TB' down, 'LR' right, 'BT' up, 'RL' left.
        expand_nested: draw models inside the model as frames around their layers?
        dpi: dots an inch.
        show_dtype: types of the outputs?
        layer_range: [first, last], names or regular expressions of layers: draw the part between them.
        show_layer_activations: activations of the layers that have one?
        show_trainable: are the weights trained?
        splines: how graphviz draws arrows ('ortho', 'polyline', 'curved'), if it draws.

    Returns:
        In a notebook the picture, which shows when it is the last value of a cell; else None.

    Raises:
        ValueError: a suffix or direction that is not known, a model that is not built.
        ImportError: a format that needs matplotlib, without it; the message says how to install it.

    Example:
        >>> import pathlib, tempfile
        >>> from hornbeam import Sequential
        >>> from hornbeam.layers import Dense
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     plot_model(Sequential([Dense(2, input_shape=(4,))]), f"{folder}/m.svg", show_shapes=True)
        ...     print(pathlib.Path(folder, "m.svg").read_text()[:4])
        <svg
    """
    path, file_format = _path_and_format(to_file)
    dpi = _checked("plot_model", rankdir, dpi)
    diagram = _diagram_of(
        "plot_model", model, show_shapes=show_shapes, show_layer_names=show_layer_names, expand_nested=expand_nested,
        show_dtype=show_dtype, layer_range=layer_range, show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
    )  # fmt: skip
    _write(path, _picture(diagram, model.name, file_format, rankdir, dpi, splines))
    return _for_notebook(path, file_format)


def model_to_dot(
    model, show_shapes=False, show_layer_names=True, rankdir="TB", expand_nested=False, dpi=96, subgraph=False,
    show_dtype=False, layer_range=None, show_layer_activations=False, show_trainable=False, splines=None,
):  # fmt: skip
    """The graph of a model in graphviz's language.

    Args:
        subgraph: make a cluster that can be put into another graph?
        others: as those of :func:`plot_model`.

    Returns:
        A pydot.Dot (pydot.Cluster with `subgraph`) where pydot is installed, else an object with `to_string()`,
        `source` and `write(path)`.

    Raises:
        ValueError: a direction that is not known, a model that is not built.

    Example:
        >>> from hornbeam import Sequential
        >>> from hornbeam.layers import Dense
        >>> print(model_to_dot(Sequential([Dense(2, input_shape=(4,))])).to_string()[:7])
        digraph
    """
    dpi = _checked("model_to_dot", rankdir, dpi)
    diagram = _diagram_of(
        "model_to_dot", model, show_shapes=show_shapes, show_layer_names=show_layer_names, expand_nested=expand_nested,
        show_dtype=show_dtype, layer_range=layer_range, show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
    )  # fmt: skip
    source = drawing.to_dot(diagram, model.name, rankdir, dpi, splines, subgraph)
    return drawing.pydot_graph(source, subgraph) or drawing.Dot(source)


def _diagram_of(owner, model, **shown):
    if not hasattr(model, "_diagram"):
        raise TypeError(f"{owner} draws models; got {type(model).__name__}. Put a layer into a model first.")
    return model._diagram(**shown)


def _checked(owner, rankdir, dpi):
    if rankdir not in _DIRECTIONS:
        raise checks.wrong_argument(owner, "rankdir", rankdir, "'TB' (down), 'LR' (right), 'BT' (up) or 'RL' (left)")
    if dpi is None:
        return 96
    if isinstance(dpi, bool) or not isinstance(dpi, (int, float)) or not 1 <= dpi <= 10_000:
        raise checks.wrong_argument(owner, "dpi", dpi, "a number from 1 to 10000")
    return round(dpi)


def _path_and_format(to_file):
    """The path as text, and the format its suffix names."""
    try:
        path = os.fspath(to_file)
    except TypeError:
        raise TypeError(f"plot_model: to_file must be a path such as 'model.png'; got {to_file!r}.") from None
    path = os.fsdecode(path)
    suffix = os.path.splitext(path)[1][1:].lower() or "png"
    known = dict.fromkeys((*_OWN, *_PAINTED, *_BY_GRAPHVIZ))
    if suffix not in known:
        formats = ", ".join(f".{name}" for name in known)
        raise checks.wrong_argument("plot_model", "to_file", to_file, f"a path that ends in one of {formats}")
    return path, suffix


def _picture(diagram, name, file_format, rankdir, dpi, splines):
    """The bytes of the file."""
    source = drawing.to_dot(diagram, name, rankdir, dpi, splines)
    if file_format == "dot":
        return source.encode()
    if file_format in _BY_GRAPHVIZ:
        drawn = drawing.drawn_by_graphviz(source, file_format)
        if drawn is not None:
            return drawn
    if file_format == "svg":
        return drawing.to_svg(diagram, rankdir, name, dpi).encode()
    if file_format not in _PAINTED:
        raise ImportError(
            f"plot_model: .{file_format} files are drawn by graphviz, which needs its program `dot` and pydot: "
            f"pip install pydot. Or write .svg, .png or .pdf, which do not need it."
        )
    return drawing.to_image(diagram, rankdir, file_format, dpi)


def _write(path, content):
    """Write a file as a whole or not at all."""
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"plot_model: there is no folder {folder!r} to write {os.path.basename(path)!r} into.")
    handle, unfinished = tempfile.mkstemp(prefix=".hornbeam-", suffix=".part", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(unfinished, 0o666 & ~_umask())
        os.replace(unfinished, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
        raise


def _umask():
    """The permissions that new files of this process do without."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _for_notebook(path, file_format):
    """What a notebook shows of the file; None outside of notebooks, where nobody waits for IPython to load."""
    if "IPython" not in sys.modules:
        return None
    try:
        display = importlib.import_module("IPython.display")
    except ImportError:
        return None
    if file_format == "svg":
        return display.SVG(filename=path)
    return display.Image(filename=path) if file_format in ("png", "jpg", "jpeg", "gif") else None

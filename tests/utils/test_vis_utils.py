"""plot_model and model_to_dot: files, formats, notebooks, graphviz, and messages."""

import inspect
import os
import subprocess
import sys
import types
import xml.etree.ElementTree as xml

import pytest

import hornbeam
from hornbeam import Sequential
from hornbeam.layers import Dense
from hornbeam.utils import drawing, model_to_dot, plot_model, vis_utils


@pytest.fixture(scope="module")
def model():
    return Sequential([Dense(3, input_shape=(4,), name="first"), Dense(2, name="last")], name="small")


def test_both_homes_and_the_classic_order_of_arguments():
    assert hornbeam.utils.plot_model is vis_utils.plot_model
    assert hornbeam.utils.model_to_dot is vis_utils.model_to_dot
    found = inspect.signature(plot_model).parameters
    assert list(found)[:5] == ["model", "to_file", "show_shapes", "show_layer_names", "rankdir"]
    assert [found[name].default for name in list(found)[1:5]] == ["model.png", False, True, "TB"]
    found = list(inspect.signature(model_to_dot).parameters)
    assert found[:4] == ["model", "show_shapes", "show_layer_names", "rankdir"]


@pytest.mark.parametrize(
    ("name", "begins"),
    [("m.png", b"\x89PNG"), ("m", b"\x89PNG"), ("m.PDF", b"%PDF"), ("m.svg", b"<svg"), ("m.dot", b"digraph")],
)
def test_formats(model, tmp_path, name, begins):
    assert plot_model(model, tmp_path / name, dpi=40) is None
    assert (tmp_path / name).read_bytes().startswith(begins)
    assert os.listdir(tmp_path) == [name]  # nothing unfinished stays


def test_shapes_are_written_when_asked_for(model, tmp_path):
    plot_model(model, tmp_path / "a.svg")
    plot_model(model, tmp_path / "b.svg", show_shapes=True, show_layer_names=False)
    assert "(None, 3)" not in (tmp_path / "a.svg").read_text()
    assert "first" in (tmp_path / "a.svg").read_text()
    words = "".join("".join(t.itertext()) for t in xml.parse(tmp_path / "b.svg").iter() if t.tag.endswith("text"))
    assert "(None, 3)" in words
    assert "first" not in words


def test_svg_needs_no_matplotlib(model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    plot_model(model, tmp_path / "m.svg")
    assert xml.parse(tmp_path / "m.svg").getroot().tag.endswith("svg")
    with pytest.raises(ImportError, match=r'plot_model .*\.svg file needs nothing.*"hornbeam\[plot\]"'):
        plot_model(model, tmp_path / "m.png")
    assert os.listdir(tmp_path) == ["m.svg"]


def test_a_failure_leaves_the_old_picture(model, tmp_path, monkeypatch):
    path = tmp_path / "m.svg"
    path.write_text("old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(vis_utils.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        plot_model(model, path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["m.svg"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"to_file": "m.xyz"}, ValueError, r"to_file must be a path that ends in one of \.svg, \.dot, \.png.*'m\.xyz'"),
        ({"to_file": 3}, TypeError, "to_file must be a path such as 'model.png'; got 3"),
        ({"to_file": "no/such/folder/m.svg"}, FileNotFoundError, "no folder 'no/such/folder'"),
        ({"to_file": "m.gif"}, ImportError, r"\.gif files are drawn by graphviz.*pip install pydot"),
        ({"rankdir": "UP"}, ValueError, r"rankdir must be 'TB' \(down\), 'LR' \(right\).*got 'UP'"),
        ({"dpi": 0}, ValueError, "dpi must be a number from 1 to 10000; got 0"),
        ({"model": Dense(2)}, TypeError, "plot_model draws models; got Dense"),
    ],
)
def test_what_cannot_be(model, tmp_path, monkeypatch, arguments, error, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(error, match=message):
        plot_model(**{"model": model, "to_file": "m.svg", **arguments})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("name", "kind"), [("m.png", "Image"), ("m.svg", "SVG"), ("m.pdf", None)])
def test_a_notebook_gets_the_picture(model, tmp_path, monkeypatch, name, kind):
    display = types.ModuleType("IPython.display")
    display.Image = lambda filename: ("Image", filename)
    display.SVG = lambda filename: ("SVG", filename)
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(drawing, "to_image", lambda *_: b"drawn")
    shown = plot_model(model, tmp_path / name)
    assert shown == (None if kind is None else (kind, str(tmp_path / name)))


# --- Graphviz ---


@pytest.fixture
def no_pydot(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydot", None)


@pytest.fixture
def fake_pydot(monkeypatch):
    """Stands in for pydot: a graph is the text that it was read from."""
    pydot = types.ModuleType("pydot")
    pydot.graph_from_dot_data = lambda source: [("pydot graph", source)]
    monkeypatch.setitem(sys.modules, "pydot", pydot)


@pytest.mark.usefixtures("no_pydot")
def test_without_pydot_a_small_dot(model, tmp_path):
    dot = model_to_dot(model, True, True, "LR", dpi=50)
    assert dot.source == dot.to_string()
    assert "rankdir=LR, dpi=50" in dot.source
    assert dot.source.count("->") == 2
    dot.write(tmp_path / "m.dot")
    assert (tmp_path / "m.dot").read_text() == dot.source


@pytest.mark.usefixtures("fake_pydot")
def test_with_pydot_its_graph(model):
    kind, source = model_to_dot(model)
    assert kind == "pydot graph"
    assert source.startswith('digraph "small"')


@pytest.mark.usefixtures("fake_pydot")
@pytest.mark.parametrize("status", [0, 1])
def test_graphviz_draws_where_it_works(model, tmp_path, monkeypatch, status):
    asked = []

    def run(command, **options):
        asked.append((command, options["input"]))
        return subprocess.CompletedProcess(command, status, b"<svg by graphviz/>", b"")

    monkeypatch.setattr("hornbeam.utils.drawing.dot.shutil.which", lambda name: f"/bin/{name}")
    monkeypatch.setattr("hornbeam.utils.drawing.dot.subprocess.run", run)
    plot_model(model, tmp_path / "m.svg", splines="ortho")
    assert asked[0][0] == ["/bin/dot", "-Tsvg"]
    assert b'splines="ortho"' in asked[0][1]
    text = (tmp_path / "m.svg").read_text()
    assert (text == "<svg by graphviz/>") == (status == 0)  # where it fails, our own layout draws
    assert text.startswith("<svg")


def test_nothing_is_loaded_for_it(run_python):
    heavy = ["matplotlib", "pydot", "IPython"]
    loaded = run_python(
        f"""
        import sys, tempfile
        from hornbeam import Sequential, utils
        from hornbeam.layers import Dense
        with tempfile.TemporaryDirectory() as folder:
            utils.plot_model(Sequential([Dense(1, input_shape=(1,))]), folder + "/m.svg")
        print([m for m in {heavy} if m in sys.modules])
        """,
        PATH="",
    )
    assert loaded.strip() == "[]"

"""Libraries that are loaded late."""

import sys

import pytest

from hornbeam.utils.optional import require


def test_what_is_there_is_loaded():
    assert require("json.decoder", "this test").JSONDecoder


@pytest.mark.parametrize(
    ("module", "line"),
    [("sklearn.datasets", 'pip install "hornbeam\\[data\\]"'), ("no_such_library", "pip install no_such_library")],
)
def test_what_is_missing_is_answered_with_the_line_to_type(module, line, monkeypatch):
    monkeypatch.setitem(sys.modules, module.split(".")[0], None)
    monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(ImportError, match=f"^this test needs {module.split('.')[0]}, which is not installed: {line}$"):
        require(module, "this test")


def test_a_library_that_is_broken_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "half_there.py").write_text("import what_it_needs")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match="what_it_needs"):
        require("half_there", "this test")

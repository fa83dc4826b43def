"""Pictures of predictions, and where figures go; curves are tested with History."""

import sys
import types

import numpy as np
import pytest

from hornbeam.utils import plotting


def test_predictions_right_and_wrong():
    figure = plotting.new_figure("this test")
    images = np.arange(2 * 4 * 4).reshape(2, 4, 4)
    plotting.draw_predictions(figure, images, [1, 0], np.array([[0.25, 0.75], [0.1, 0.9]]))
    right, wrong = figure.axes
    assert right.get_title() == "1  (75%)"
    assert wrong.get_title() == "1, is 0  (90%)"
    assert wrong.title.get_color() == plotting.WRONG != right.title.get_color()
    np.testing.assert_array_equal(right.images[0].get_array(), images[0])


def test_a_file_needs_no_window(tmp_path):
    from matplotlib import pyplot

    figure = plotting.new_figure("this test")
    plotting.hand_over(figure, tmp_path / "a.svg")
    assert "<svg" in (tmp_path / "a.svg").read_text()
    assert pyplot.get_fignums() == []


def test_a_window_is_opened_by_pyplot(monkeypatch):
    from matplotlib import pyplot

    figure = plotting.new_figure("this test", on_screen=True)
    assert pyplot.get_fignums() == [figure.number]
    pyplot.close(figure)


@pytest.mark.parametrize(("show", "displayed"), [(None, 0), (True, 1)])
def test_a_notebook_shows_a_figure_once(show, displayed, monkeypatch):
    seen = []
    shell = types.ModuleType("IPython")
    shell.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    shell.version_info = (9, 0)
    shell.display = types.ModuleType("IPython.display")
    shell.display.display = seen.append
    import matplotlib.pyplot  # noqa: F401  before the stand-in, which it would ask about its version

    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "IPython.display", shell.display)
    figure = plotting.new_figure("this test", on_screen=show is not False)
    assert plotting.hand_over(figure, None, show) is figure
    assert seen == [figure] * displayed

"""The progress line: its looks, how often it is refreshed, and what it does in terminal, notebook and file."""

import io
import sys
import types

import pytest

from hornbeam.training import progress
from hornbeam.training.callbacks import ProgbarLogger
from hornbeam.training.progress import Notebook, Plain, Progbar, Terminal, columns_of, format_bar, output_for


class Screen(io.StringIO):
    """A terminal that remembers what was written."""

    def isatty(self):
        return True

    def lines(self):
        """What a reader sees: a carriage return starts the line over and what follows replaces what stood there."""
        seen = []
        for row in self.getvalue().split("\n"):
            line = ""
            for part in row.split("\r"):
                line = part + line[len(part) :]
            seen.append(line.rstrip())
        return seen


@pytest.fixture
def clock(monkeypatch):
    """Time that stands still until it is moved: clock.now += 1."""
    clock = types.SimpleNamespace(now=100.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock.now)
    return clock


def _as_stdout(stream, monkeypatch):
    """Only progress.py sees the stand-in: pytest sets sys.stdout itself between a fixture and its test."""
    monkeypatch.setattr(progress, "sys", types.SimpleNamespace(stdout=stream, modules=sys.modules))
    return stream


@pytest.fixture
def screen(monkeypatch):
    screen = _as_stdout(Screen(), monkeypatch)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("TERM", raising=False)
    return screen


def test_the_classic_line(screen, clock):
    bar = Progbar(60000)
    clock.now += 0.3
    bar.update(1024, [("loss", 0.54321), ("acc", 0.8123)])
    # 0.3 s for 1 024 samples leave 17.3 s for the other 58 976
    expected = " 1024/60000 [..............................] - ETA: 17s - loss: 0.5432 - acc: 0.8123"
    assert screen.lines() == [expected]
    clock.now += 2.7
    bar.update(30000, [("loss", 0.54321), ("acc", 0.8123)])
    assert screen.lines()[0].startswith("30000/60000 [==============>...............] - ETA: 2s - loss")
    # the 28 976 samples since the first refresh took 2.7 s, so the other 30 000 take 2.8 s
    bar.update(60000, [("loss", 0.54321), ("acc", 0.8123)])
    # 3 s for 60 000 samples: 50 us each
    done = "60000/60000 [==============================] - 3s 50us/step - loss: 0.5432 - acc: 0.8123"
    assert screen.lines() == [done, ""]


def test_one_line_however_many_refreshes(screen, clock):
    bar = Progbar(100)
    for seen in range(1, 101):
        clock.now += 0.5
        bar.update(seen, [("loss", 1.0)])
    assert screen.getvalue().count("\n") == 1
    assert screen.getvalue().count("\r") == 100


def test_at_most_five_refreshes_a_second(screen, clock):
    bar = Progbar(10_000)
    for seen in range(1, 2001):
        clock.now += 0.001
        bar.update(seen)
    assert 9 <= screen.getvalue().count("\r") <= 11  # two seconds


def test_a_shorter_line_leaves_nothing_of_a_longer_one(screen, clock):
    output = Terminal()
    output.show("a long line")
    output.show("short")
    output.finish("done")
    assert screen.lines() == ["done", ""]


def test_the_bar_gives_way_and_the_line_is_cut_to_the_terminal(screen, clock, monkeypatch):
    values = [("loss", 0.5), ("accuracy", 0.25)]
    text = "  1/600 [>.............................] - ETA: 0s - loss: 0.5000 - accuracy: 0.2500"
    for columns in (len(text) + 1, 80, 70, 20):
        monkeypatch.setenv("COLUMNS", str(columns))
        screen.seek(0)
        screen.truncate()
        bar = Progbar(600, interval=0)
        bar.update(1, values)
        (line,) = screen.lines()
        assert len(line) < columns
        if columns >= 70:
            assert line.endswith("accuracy: 0.2500"), "numbers matter more than the bar"
    bar.update(600, values)
    assert screen.lines()[0].endswith("accuracy: 0.2500"), "what stays is written in full"


def test_wide_characters_count_twice(screen, monkeypatch):
    assert columns_of("损失: 1") == 7
    output = Terminal()
    monkeypatch.setenv("COLUMNS", "6")
    output.show("损失损失")
    assert columns_of(screen.lines()[0]) <= 5


def test_values_are_averaged_by_what_they_counted(screen):
    bar = Progbar(4, stateful_metrics=["lr"])
    bar.update(3, [("loss", 1.0), ("lr", 1.0)])
    bar.add(1, [("loss", 5.0), ("lr", 0.5)])
    assert bar.values == {"loss": 2.0, "lr": 0.5}  # (3 * 1 + 1 * 5) / 4


def test_without_a_target(screen, clock):
    bar = Progbar(None)
    clock.now += 2
    bar.add(1000, [("loss", 0.0001)])
    assert screen.lines() == ["   1000/Unknown - 2s 2ms/step - loss: 1.0000e-04"]
    bar.finish()
    assert screen.lines()[1:] == [""]


@pytest.mark.parametrize(
    ("current", "bar"),
    [(0, " 0/10 [..........]"), (1, " 1/10 [>.........]"), (9, " 9/10 [========>.]"), (10, "10/10 [==========]"),
     (12, "12/10 [==========]")],
)  # fmt: skip
def test_the_bar(current, bar):
    assert format_bar(current, 10, 10) == bar


def test_silence():
    bar = Progbar(2, verbose=0)
    bar.update(2, [("loss", 1.0)])
    assert isinstance(bar.output, Plain)


def test_a_file_gets_finished_lines_only(capsys, clock):
    bar = Progbar(2)
    bar.update(1, [("loss", 1.0)])
    assert capsys.readouterr().out == ""
    clock.now += 4
    bar.update(2, [("loss", 1.0)])
    assert capsys.readouterr().out == "2/2 [==============================] - 4s 2s/step - loss: 1.0000\n"


def test_a_terminal_that_cannot_move_its_cursor_is_treated_as_a_file(screen, monkeypatch):
    assert isinstance(output_for(1), Terminal)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(output_for(1), Plain)


def test_a_name_the_terminal_cannot_show_does_not_stop_training():
    raw = io.BytesIO()
    output = Plain(io.TextIOWrapper(raw, encoding="ascii"))
    output.finish("损失: 1")
    assert raw.getvalue().startswith(b"??: 1")


def train(verbose, epochs=2, refreshes=3):
    """What the trainer does with a progress line."""
    line = ProgbarLogger()
    line.set_params({"verbose": verbose, "epochs": epochs, "samples": 60, "metrics": ["loss", "acc", "val_loss"]})
    line.on_train_begin()
    for epoch in range(epochs):
        line.on_epoch_begin(epoch)
        for step in range(1, refreshes + 1):
            progress.time.monotonic()
            line.on_progress(60 * step // refreshes, {"loss": 0.5, "acc": 0.25})
        line.on_epoch_end(epoch, {"acc": 0.25, "loss": 0.5, "val_loss": 0.75})
    line.on_train_end()


FINISHED = "60/60 [==============================] - 0s 0s/step - loss: 0.5000 - acc: 0.2500 - val_loss: 0.7500"


def test_training_in_a_terminal(screen, clock):
    train(verbose=1)
    assert screen.lines() == ["Epoch 1/2", FINISHED, "Epoch 2/2", FINISHED, ""]


def test_training_into_a_file_writes_a_line_an_epoch(capsys, clock):
    train(verbose=1)
    numbers = "0s 0s/step - loss: 0.5000 - acc: 0.2500 - val_loss: 0.7500"
    assert capsys.readouterr().out == f"Epoch 1/2 - {numbers}\nEpoch 2/2 - {numbers}\n"


def test_training_with_verbose_2(screen, clock):
    train(verbose=2, epochs=1)
    assert screen.getvalue() == "Epoch 1/1 - 0s - loss: 0.5000 - acc: 0.2500 - val_loss: 0.7500\n"


def test_training_in_silence(screen, clock):
    train(verbose=0)
    assert screen.getvalue() == ""


def test_steps_are_counted_where_there_are_steps(screen, clock):
    line = ProgbarLogger()
    line.set_params({"verbose": 1, "epochs": 1, "samples": 60, "steps": 7})
    line.on_train_begin()
    line.on_epoch_begin(0)
    line.on_progress(3, {"loss": 1.0})
    assert screen.lines()[1].startswith("3/7 [")


def test_an_epoch_that_was_cut_short_shows_where(screen, clock):
    line = ProgbarLogger()
    line.set_params({"verbose": 1, "epochs": 1, "samples": 60})
    line.set_model(types.SimpleNamespace(stop_training=True))
    line.on_train_begin()
    line.on_epoch_begin(0)
    line.on_progress(20, {"loss": 1.0})
    line.on_epoch_end(0, {"loss": 1.0})
    assert screen.lines()[1].startswith("20/60 [=========>")


class Handle:
    def __init__(self):
        self.shown = []

    def update(self, bundle, raw):
        self.shown.append(bundle["text/plain"])


@pytest.fixture
def notebook(monkeypatch):
    """A stand-in for IPython in a notebook; returns the outputs that were displayed."""
    handles = []

    def display(bundle, raw, display_id):
        handles.append(Handle())
        handles[-1].update(bundle, raw)
        return handles[-1]

    module = types.ModuleType("IPython")
    module.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    module.display = types.ModuleType("IPython.display")
    module.display.display = display
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setitem(sys.modules, "IPython.display", module.display)
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    _as_stdout(stream, monkeypatch)
    return handles


def test_training_in_a_notebook_updates_one_output(notebook, clock):
    train(verbose=1)
    assert len(notebook) == 1
    assert notebook[0].shown[-1].splitlines() == ["Epoch 1/2", FINISHED, "Epoch 2/2", FINISHED]
    assert progress.sys.stdout.getvalue() == ""


def test_a_long_run_does_not_flood_a_notebook(notebook, clock):
    train(verbose=1, epochs=150, refreshes=1)
    shown = notebook[0].shown[-1].splitlines()
    assert shown[0] == "... 99 lines above are not shown"
    assert len(shown) == 2 * progress.NOTEBOOK_LINES + 2
    assert isinstance(output_for(1), Notebook)

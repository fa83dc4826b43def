"""The classic progress line, and where it is written: terminal, notebook, or a plain file."""

import math
import os
import shutil
import sys
import time

# The bar gives way to numbers where a line is too long, but not below this many characters.
LEAST_WIDTH = 5
# A notebook shows the lines of this many epochs; a long run would make every refresh heavier.
NOTEBOOK_LINES = 100


class Terminal:
    """Writes to a terminal: the line in progress is rewritten in place, the finished one stays."""

    refreshes = True

    def __init__(self, stream=None):
        self.stream = stream or sys.stdout
        self.shown = 0  # width of the line in progress, in columns

    @property
    def room(self):
        """How many columns a line in progress may fill; the last stays free, or the terminal would wrap."""
        return max(shutil.get_terminal_size().columns - 1, 1)

    def headline(self, text):
        """Write a line above the progress line."""
        _write(self.stream, text + "\n")

    def show(self, text):
        """Put `text` in the place of the line in progress, cut to the terminal's width."""
        text = cut(text, self.room)
        columns = columns_of(text)
        _write(self.stream, "\r" + text + " " * (self.shown - columns))
        self.shown = columns

    def finish(self, text):
        """Put the finished line, in full, in the place of the line in progress."""
        _write(self.stream, "\r" + text + " " * (self.shown - columns_of(text)) + "\n")
        self.shown = 0


class Plain:
    """Writes to a file, a pipe or a log: finished lines only, the headline at their head."""

    refreshes = False
    room = None

    def __init__(self, stream=None):
        self.stream = stream or sys.stdout
        self.head = ""

    def headline(self, text):
        """Keep the headline for the line to come."""
        self.head = text

    def show(self, text):
        """Lines in progress are not written."""

    def finish(self, text):
        """Write the finished line."""
        _write(self.stream, f"{self.head} - {text}\n" if self.head else text + "\n")
        self.head = ""


class Notebook:
    """Shows all lines of a run in one notebook output, which is updated in place."""

    refreshes = True
    room = None

    def __init__(self):
        self.lines = []
        self.handle = None

    def headline(self, text):
        """Add a line above the progress line."""
        self.lines.append(text)

    def show(self, text):
        """Show `text` below the finished lines."""
        hidden = len(self.lines) - 2 * NOTEBOOK_LINES
        above = [f"... {hidden} lines above are not shown", *self.lines[hidden:]] if hidden > 0 else self.lines
        bundle = {"text/plain": "\n".join([*above, text])}
        if self.handle is None:
            from IPython.display import display  # pyright: ignore[reportMissingImports]

            self.handle = display(bundle, raw=True, display_id=True)
        else:
            self.handle.update(bundle, raw=True)

    def finish(self, text):
        """Show `text` and keep it."""
        self.show(text)
        self.lines.append(text)


def output_for(verbose):
    """The way to write that suits `verbose` and the place this program runs in."""
    if verbose != 1:
        return Plain()
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if hasattr(shell, "kernel") and type(sys.stdout).__module__.startswith("ipykernel"):
        return Notebook()
    is_terminal = getattr(sys.stdout, "isatty", lambda: False)()
    return Terminal() if is_terminal and os.environ.get("TERM") != "dumb" else Plain()


def _write(stream, text):
    try:
        stream.write(text)
    except UnicodeEncodeError:  # a metric's name that an ASCII terminal cannot show
        encoding = getattr(stream, "encoding", None) or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()


def columns_of(text):
    """How many terminal columns `text` fills; Chinese and Japanese characters fill two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text, columns):
    """`text`, or as much of it as fills at most `columns` columns.

    Example:
        >>> cut("loss: 0.5432", 6), cut("损失", 3)
        ('loss: ', '损 ')
    """
    if columns_of(text) <= columns:
        return text
    if text.isascii():
        return text[:columns]
    from rich.cells import set_cell_size

    return set_cell_size(text, columns)


def format_bar(current, target, width=30):
    """`12/60 [=====>........................]`, or `     12/Unknown` without a target.

    Example:
        >>> format_bar(30, 60, 10), format_bar(60, 60, 4)
        ('30/60 [====>.....]', '60/60 [====]')
    """
    if target is None:
        return f"{current:7d}/Unknown"
    done = min(int(width * current / target), width) if target else width
    head = "=" if current >= target else ">"
    arrow = "=" * (done - 1) + head if done > 0 else ""
    return f"{current:{len(str(target))}d}/{target} [{arrow}{'.' * (width - done)}]"


def format_remaining(seconds):
    """Time to go.

    Example:
        >>> format_remaining(12.4), format_remaining(75), format_remaining(3725)
        ('12s', '1:15', '1:02:05')
    """
    seconds = int(seconds)
    if seconds > 3600:
        return f"{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"
    return f"{seconds // 60}:{seconds % 60:02d}" if seconds > 60 else f"{seconds}s"


def format_per_step(seconds):
    """Time a sample or step took.

    Example:
        >>> format_per_step(50e-6), format_per_step(0.0123), format_per_step(2.2)
        ('50us/step', '12ms/step', '2s/step')
    """
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s/step"
    return f"{seconds * 1e3:.0f}ms/step" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us/step"


def format_value(value):
    """A number as the progress line shows it: four places, small ones with an exponent.

    Example:
        >>> format_value(0.54321), format_value(0.00001234), format_value("n/a")
        ('0.5432', '1.2340e-05', 'n/a')
    """
    try:
        value = float(value)
    except (TypeError, ValueError):
        return str(value)
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"


class Progbar:
    """The classic progress line: `1024/60000 [>....] - ETA: 12s - loss: 0.5432`.

    In a terminal the line is rewritten in place, at most every `interval` seconds; in a notebook one output is
    updated; anywhere else only the finished line is written. Values are averaged over what was counted, weighted by
    how much each update counted on.

    Args:
        target: how much there is to count, or None if that is unknown.
        width: of the bar in characters, 30. The bar shrinks where the line would not fit the terminal.
        verbose: 0 silent, 1 or 'auto' the bar, 2 one line without a bar at the end.
        interval: least time between refreshes in seconds, 0.2.
        stateful_metrics: names whose values are shown as they come, not averaged.
        output: where to write; None chooses (terminal, notebook or plain).

    Example:
        >>> bar = Progbar(3, verbose=2)
        >>> for loss in (3.0, 2.0, 1.0):
        ...     bar.add(1, [("loss", loss)])
        0s - loss: 2.0000
    """

    def __init__(self, target, width=30, verbose=1, interval=0.2, stateful_metrics=None, output=None):
        self.target = None if target is None or target < 0 else int(target)
        self.width = width
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.interval = interval
        self.stateful_metrics = set(stateful_metrics or [])
        self.output = output or output_for(self.verbose)
        self.seen = 0
        self._totals = {}  # name -> [sum of value times count, count], or the value itself
        self._start = time.monotonic()
        self._last_refresh = -math.inf
        self._pace_from = None  # (seconds, count) at the first refresh

    def update(self, current, values=None):
        """Set the count, take in values, and refresh the line if it is time.

        Args:
            current: how much has been counted by now.
            values: list of (name, value) since the last call.
        """
        counted = current - self.seen
        for name, value in values or []:
            if name in self.stateful_metrics:
                self._totals[name] = value
            else:
                total = self._totals.setdefault(name, [0.0, 0])
                total[0] += value * counted
                total[1] += counted
        self.seen = current
        if self.target is not None and current >= self.target:
            self.finish()
        else:
            self.refresh()

    def add(self, n, values=None):
        """Count `n` more."""
        self.update(self.seen + n, values)

    def show(self, current, values):
        """Set the count and the very values to show, as a dict; the line stays in progress even at the target."""
        self.seen = current
        self.values = values
        self.refresh()

    @property
    def values(self):
        """What the line shows: dict of averages, and of values set as they are."""
        return {name: t[0] / max(1, t[1]) if isinstance(t, list) else t for name, t in self._totals.items()}

    @values.setter
    def values(self, values):
        self._totals = dict(values)

    def refresh(self):
        """Rewrite the line in progress, unless that was done a moment ago."""
        if self.verbose != 1 or not self.output.refreshes:
            return
        now = time.monotonic()
        if now - self._last_refresh >= self.interval:
            self._last_refresh = now
            self.output.show(self._line(now - self._start, self.output.room))

    def finish(self):
        """Write the line as it stays. Without a target, call this at the end yourself."""
        elapsed_s = time.monotonic() - self._start
        if self.verbose == 1:
            self.output.finish(self._finished_line(elapsed_s))
        elif self.verbose == 2:
            self.output.finish(f"{elapsed_s:.0f}s{self._numbers()}")

    def _numbers(self):
        return "".join(f" - {name}: {format_value(value)}" for name, value in self.values.items())

    def _line(self, elapsed_s, room):
        """The line in progress; the bar shrinks so that the numbers fit `room` columns."""
        if self.target is None:
            timing = f" - {elapsed_s:.0f}s {format_per_step(elapsed_s / self.seen if self.seen else 0)}"
        else:
            timing = f" - ETA: {format_remaining(self._pace_s(elapsed_s) * (self.target - self.seen))}"
        rest = timing + self._numbers()
        too_long = columns_of(format_bar(self.seen, self.target, self.width) + rest) - room if room else 0
        width = min(self.width, max(self.width - too_long, LEAST_WIDTH))
        return format_bar(self.seen, self.target, width) + rest

    def _pace_s(self, elapsed_s):
        """Seconds for each counted one, since the first refresh: what came before it includes compilation."""
        if not self.seen:
            return 0
        if self._pace_from is None:
            self._pace_from = elapsed_s, self.seen
        then_s, then = self._pace_from
        return (elapsed_s - then_s) / (self.seen - then) if self.seen > then else elapsed_s / self.seen

    def _finished_line(self, elapsed_s):
        timing = f"{elapsed_s:.0f}s {format_per_step(elapsed_s / self.seen if self.seen else 0)}"
        if isinstance(self.output, Plain) and self.output.head:
            return timing + self._numbers()
        return f"{format_bar(self.seen, self.target, self.width)} - {timing}{self._numbers()}"

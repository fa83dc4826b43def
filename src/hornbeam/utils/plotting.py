"""Pictures: training curves and images with their predictions. matplotlib is loaded when the first one is drawn."""

import math
import sys
import textwrap

from hornbeam.utils.optional import require

# Told apart by colour-blind readers, and in print by brightness.
TRAINING, VALIDATION, QUIET, WRONG = "#3b6fb6", "#e4703a", "#6b6b6b", "#c22f2f"
PANEL_INCHES = (5.0, 3.4)
MOST_COLUMNS = 3
CHARACTERS_A_PANEL = 62  # of the sentence below
TITLES = {"loss": "Loss", "acc": "Accuracy", "accuracy": "Accuracy", "lr": "Learning rate"}
RATES = ("lr", "learning_rate")


def new_figure(purpose, on_screen=False):
    """An empty figure; one that a window will show if `on_screen`.

    Raises:
        ImportError: matplotlib is not installed.
    """
    require("matplotlib", purpose)
    if on_screen or _in_notebook():
        # The notebook learns to show figures from pyplot; there, and for files, pyplot keeps no figure of ours open.
        from matplotlib import pyplot

        if on_screen and not _in_notebook():
            return pyplot.figure(layout="constrained")
    from matplotlib.figure import Figure

    return Figure(layout="constrained")


def hand_over(figure, path=None, show=None):
    """Write `figure` to `path` and show it, as asked for, and return it."""
    if path is not None:
        figure.savefig(path, dpi=150)
    if show and _in_notebook():
        from IPython.display import display  # pyright: ignore[reportMissingImports]

        display(figure)
    elif show or (show is None and path is None and not _in_notebook()):
        from matplotlib import get_backend, pyplot

        if get_backend().lower() != "agg":  # a machine without a screen has nothing to show it on
            pyplot.show()
    return figure


def _in_notebook():
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def draw_curves(figure, epochs, history, overfitted_from=None, sentence="", higher_is_better=None, ranges=None):
    """A panel for each number of `history`: training against validation, best epoch marked.

    Args:
        figure: an empty figure.
        epochs: numbers of the epochs.
        history: dict from name to list of values; 'val_' names are drawn with the name they belong to.
        overfitted_from: epoch from which on the loss panel is shaded, or None.
        sentence: written below.
        higher_is_better: function from name to True or False.
        ranges: dict from name to (lowest, highest) values, drawn behind the curves; or None.
    """
    names = [name for name in history if not name.startswith("val_")]
    names += [name[4:] for name in history if name.startswith("val_") and name[4:] not in history]
    names.sort(key=lambda name: (name in RATES, name != "loss"))
    columns = min(len(names), MOST_COLUMNS)
    rows = math.ceil(len(names) / columns)
    figure.set_size_inches(PANEL_INCHES[0] * columns, PANEL_INCHES[1] * rows + 0.5)
    for place, name in enumerate(names, 1):
        panel = figure.add_subplot(rows, columns, place)
        upward = bool(higher_is_better and higher_is_better(name))
        _draw_panel(panel, name, epochs, history.get(name), history.get(f"val_{name}"), upward)
        for known, colour in ((name, TRAINING), (f"val_{name}", VALIDATION)):
            if ranges and known in ranges:
                panel.fill_between(epochs, *ranges[known], color=colour, alpha=0.15, linewidth=0, zorder=0)
        if name == "loss" and overfitted_from is not None and overfitted_from < epochs[-1]:
            _shade(panel, overfitted_from, epochs[-1])
    if sentence:
        lines = textwrap.wrap(sentence, CHARACTERS_A_PANEL * columns)
        figure.supxlabel("\n".join(lines), fontsize=10, color="#333333")


def _draw_panel(panel, name, epochs, training, validation, upward):
    from matplotlib.ticker import MaxNLocator

    marker = "o" if len(epochs) <= 30 else None
    for values, colour, label in ((training, TRAINING, "training"), (validation, VALIDATION, "validation")):
        if values is None:
            continue
        at = epochs[len(epochs) - len(values) :]
        panel.plot(at, values, color=colour, label=label, linewidth=1.8, marker=marker, markersize=3)
    if name not in RATES:
        judged = validation if validation is not None else training
        _mark_best(panel, epochs[len(epochs) - len(judged) :], judged, upward, validation is not None)
    else:
        panel.set_yscale("log")
    panel.set_title(TITLES.get(name, name.replace("_", " ")), loc="left", fontsize=11, fontweight="bold")
    panel.set_xlabel("epoch")
    panel.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    panel.grid(True, color="#e3e3e3", linewidth=0.7)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
    if validation is not None or name not in RATES:
        corner = "lower right" if upward else "upper right"  # where curves that go well leave room
        panel.legend(loc=corner, fontsize=9, framealpha=0.8, edgecolor="none")


def _mark_best(panel, epochs, values, upward, of_validation):
    finite = [index for index, value in enumerate(values) if math.isfinite(value)]
    if not finite:
        return
    best = (max if upward else min)(finite, key=lambda index: values[index])
    epoch, value = epochs[best], values[best]
    colour = VALIDATION if of_validation else TRAINING
    panel.axvline(epoch, color=QUIET, linewidth=0.8, linestyle=":", zorder=1)
    panel.plot(
        [epoch], [value], linestyle="none", marker="o", markersize=9, markerfacecolor="none",
        markeredgecolor=colour, markeredgewidth=1.8, label=f"best: {value:.4g} in epoch {epoch}",
    )  # fmt: skip


def _shade(panel, start, end):
    panel.axvspan(start, end, color=VALIDATION, alpha=0.10, linewidth=0, zorder=0)
    panel.text(
        (start + end) / 2, 0.5, "overfitting", transform=panel.get_xaxis_transform(), ha="center", va="center",
        fontsize=9, color=VALIDATION,
    )  # fmt: skip


def draw_predictions(figure, images, labels, probabilities, columns=8):
    """Grey images with what was predicted of each; wrong ones are framed and marked.

    Args:
        figure: an empty figure.
        images: array (B, H, W).
        labels: true classes, (B,).
        probabilities: array (B, classes).
        columns: images in a row, 8.
    """
    rows = math.ceil(len(images) / columns)
    figure.set_size_inches(1.35 * columns, 1.7 * rows + 0.4)
    figure.suptitle("What was read, and how surely; red where wrong", fontsize=11, color="#333333")
    for place, (image, label, row) in enumerate(zip(images, labels, probabilities), 1):
        panel = figure.add_subplot(rows, columns, place)
        panel.imshow(image, cmap="gray_r", interpolation="nearest")
        panel.set_xticks([])
        panel.set_yticks([])
        guess = int(row.argmax())
        right = guess == int(label)
        colour = "#222222" if right else WRONG
        text = f"{guess}  ({row[guess]:.0%})" if right else f"{guess}, is {int(label)}  ({row[guess]:.0%})"
        panel.set_title(text, fontsize=9, color=colour, fontweight="normal" if right else "bold")
        panel.spines[:].set(color="#cccccc" if right else WRONG, linewidth=1.0 if right else 2.5)

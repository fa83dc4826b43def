"""What `compile` made of what it was given: the text that `model.compile_report()` prints."""

import numpy as np

from hornbeam import backend as K
from hornbeam.optimizers.optimizer import Optimizer
from hornbeam.training import row_updates, splitting


def compile_report(model, print_fn=None):
    """Print the optimizer, and the loss and the metrics that were resolved for each output.

    Args:
        model: compiled.
        print_fn: called with each line instead of `print`.
    """
    show = print_fn or print
    for line in lines_of(model):
        show(line)


def lines_of(model):
    """Lines of the report."""
    lines = [f"Model {model.name!r} is compiled with", f"  optimizer: {optimizer_text(model.optimizer)}"]
    objectives = model._objectives
    if objectives is None:
        return [*lines, "  losses and metrics: resolved when the model sees its first data"]
    if model.has_own_steps:
        return [*lines, "  losses and metrics: those of the model's own steps", *splitting.notes(model)]
    for name, term, metrics in zip(objectives.names, objectives.losses, objectives.metrics, strict=True):
        lines.append(f"  output {name!r}{_shape(objectives, name)}")
        lines.append(f"    loss: {'none, it is not trained' if term is None else _loss(term)}")
        lines += [f"    metric: {_metric(metric)}" for metric in metrics]
    trained = model._trainable_at_compile
    if trained is not None:
        count = sum(int(np.prod(v.shape)) for v in trained)
        fixed = len(model.weights) - len(trained)
        lines.append(f"  trains: {count:,} numbers in {len(trained)} weights; {fixed} others are left as they are")
    lines += splitting.notes(model) + row_updates.notes(model)
    penalties = len(list(model.weight_penalties())) if model.built else 0
    if penalties:
        lines.append(f"  added to the loss: the penalties of {penalties} weights")
    return lines


def optimizer_text(optimizer):
    """An optimizer as the call that makes it.

    Example:
        >>> from hornbeam import optimizers
        >>> optimizer_text(optimizers.SGD(0.5, momentum=0.9))
        'SGD(lr=0.5, momentum=0.9, decay=0.0, nesterov=False)'
    """
    if not isinstance(optimizer, Optimizer):
        return repr(optimizer)
    try:
        settings = optimizer.get_config()
    except TypeError:  # made by another library
        return repr(optimizer)
    return f"{type(optimizer).__name__}({', '.join(f'{k}={v!r}' for k, v in settings.items())})"


def _shape(objectives, name):
    shape = objectives.shapes[objectives.names.index(name)]
    return "" if shape is None else f" {tuple(shape)}"


def _loss(term):
    weight = term.weight
    number = float(K.get_value(weight)) if isinstance(weight, K.Variable) else float(weight)
    return f"{term.name}{'' if number == 1.0 else f', counts {number:g} times'}"


def _metric(metric):
    function = metric.function if metric.stateful is None else metric.stateful
    found = getattr(function, "__name__", None) or type(function).__name__
    weighted = ", with weights" if metric.weighted else ""
    return f"{metric.name}{'' if found == metric.name else f' ({found})'}{weighted}"

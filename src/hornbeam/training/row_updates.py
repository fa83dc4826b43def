"""Which weights are updated by row: large tables that a step looks rows up in and does nothing else with."""

import math

from hornbeam.optimizers.row_updates import why_all_rows

# From so many rows on, single ones are updated whatever the batches are like, unless they look up half as many.
LEAST_ROWS = 32_768
# Below, where the model's shapes say that a step looks few rows up; and never in tables of fewer numbers, which one
# core walks through in ten microseconds. docs/decisions/0011 has the times.
LEAST_NUMBERS = 32_768


def is_large(optimizer, variable):
    """Does it pay to update single rows of `variable`? What was asked for ('lazy') is done whatever the size."""
    least = 2 if getattr(optimizer, "embeddings", None) == "lazy" else LEAST_ROWS
    return len(variable.shape) > 1 and variable.shape[0] >= least


def is_looked_up_little(variable, ids):
    """Does it pay to update single rows of a table that is not large, of which a step looks up `ids`?

    A row by itself takes 79 nanoseconds with 8 numbers, 215 with 32, 425 with 128; in a walk through the whole table
    6.6, 27 and 70 (RMSprop, AVX-512, all ids different). The rule lies between.
    """
    width = math.prod(variable.shape[1:])
    return variable.shape[0] * width >= max(LEAST_NUMBERS, 6 * (width + 8) * ids)


def ids_a_row(model, table):
    """How many rows of `table` the model looks up for one row of data; None if its graph does not say."""
    count = 0
    for layer in model.flat_layers():
        if any(own is table for own in getattr(layer, "tables", ())):
            shapes = [node.inputs[0].shape[1:] for node in layer._inbound_nodes]
            if not shapes or any(None in shape for shape in shapes):
                return None
            count += sum(math.prod(shape) for shape in shapes)
    return count or None


def why_whole(optimizer, variable):
    """Why all rows of `variable` are updated in each step, in a few words; None if single ones may be."""
    if variable.constraint is not None:
        return "its constraint"
    if variable.regularizer is not None:
        return "its regularizer"
    return why_all_rows(optimizer)


def candidates(optimizer, variables, model=None, rows=None):
    """Positions of the variables that may be updated by row, if a step does no more than look rows up in them.

    Args:
        model: whose tables they are, and `rows` of a step; without them those that are large.
    """
    chosen = [i for i, v in enumerate(variables) if is_large(optimizer, v)]
    if rows is not None and getattr(optimizer, "embeddings", None) != "lazy":
        for i, variable in enumerate(variables):
            ids = None if i in chosen or len(variable.shape) < 2 else ids_a_row(model, variable)
            if ids is not None and is_looked_up_little(variable, ids * rows):
                chosen.append(i)
    return [i for i in sorted(chosen) if why_whole(optimizer, variables[i]) is None]


def notes(model):
    """A line for each large table of the model's embeddings, for `compile_report`: which rows a step updates."""
    optimizer, steps, lines = model.optimizer, model._steps, []
    trained = model._trainable_at_compile or []
    tables = [t for layer in model.flat_layers() for t in getattr(layer, "tables", ())]
    for table in dict.fromkeys(tables):
        place = next((i for i, v in enumerate(trained) if v is table), None)
        by_row = place in getattr(steps, "tables", ())
        if place is None or not (by_row or is_large(optimizer, table)):
            continue
        reason = why_whole(optimizer, table)
        if reason is None and getattr(steps, "used_whole", None) and place in steps.used_whole:
            reason = "it is used otherwise than by looking rows up"
        rows = "the rows it looks up" if reason is None else f"all rows ({reason})"
        lines.append(f"  table {table.name!r} {tuple(table.shape)}: each step updates {rows}")
    return lines

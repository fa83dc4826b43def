"""Which weights are updated by row: large tables that a step looks rows up in and does nothing else with."""

from hornbeam.optimizers.row_updates import why_all_rows

# Below, updating all rows takes no longer than telling those apart that were met; docs/decisions/0011 has the times.
LEAST_ROWS = 32_768


def is_large(optimizer, variable):
    """Does it pay to update single rows of `variable`? What was asked for ('lazy') is done whatever the size."""
    least = 2 if getattr(optimizer, "embeddings", None) == "lazy" else LEAST_ROWS
    return len(variable.shape) > 1 and variable.shape[0] >= least


def why_whole(optimizer, variable):
    """Why all rows of `variable` are updated in each step, in a few words; None if single ones may be."""
    if variable.constraint is not None:
        return "its constraint"
    if variable.regularizer is not None:
        return "its regularizer"
    return why_all_rows(optimizer)


def candidates(optimizer, variables):
    """Positions of the variables that may be updated by row, if a step does no more than look rows up in them."""
    large = [i for i, v in enumerate(variables) if is_large(optimizer, v)]
    return [i for i in large if why_whole(optimizer, variables[i]) is None]


def notes(model):
    """A line for each large table of the model's embeddings, for `compile_report`: which rows a step updates."""
    optimizer, steps, lines = model.optimizer, model._steps, []
    trained = model._trainable_at_compile or []
    tables = [t for layer in model.flat_layers() for t in getattr(layer, "tables", ())]
    for table in dict.fromkeys(tables):
        place = next((i for i, v in enumerate(trained) if v is table), None)
        if place is None or not is_large(optimizer, table):
            continue
        reason = why_whole(optimizer, table)
        if reason is None and getattr(steps, "used_whole", None) and place in steps.used_whole:
            reason = "it is used otherwise than by looking rows up"
        rows = "the rows it looks up" if reason is None else f"all rows ({reason})"
        lines.append(f"  table {table.name!r} {tuple(table.shape)}: each step updates {rows}")
    return lines

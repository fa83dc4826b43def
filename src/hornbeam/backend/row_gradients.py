"""Gradients of tables that rows are looked up in: the rows that were met, in place of an array of the table's size."""

from typing import Any, NamedTuple

from hornbeam.engines import engine


class RowGradient(NamedTuple):
    """The gradient of a table (V, ...) by the rows that a step looked up.

    Attributes:
        ids: (n,) numbers of rows, some perhaps several times; one behind the table stands for none.
        gradients: (n, ...); those of equal ids are to be added up.
    """

    ids: Any
    gradients: Any


def value_and_gradients(function, values, tables=()):
    """((scalar, extra), gradients) of `function(values)`, which returns (scalar, extra).

    Args:
        function: pure function of a list of arrays.
        values: the list.
        tables: positions of those that the function only looks rows up in (`engine.only_looked_up`); their gradients
            are :class:`RowGradient`.
    """
    if not tables:
        return engine.value_and_gradients(function, values)
    result, gradients = engine.value_and_row_gradients(function, values, tables)
    return result, [RowGradient(*g) if i in tables else g for i, g in enumerate(gradients)]

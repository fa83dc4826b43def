"""Look-ups of rows in tables on the NumPy engine, spelled out; see the compiled engine for what they are for."""

import numpy as np

from hornbeam.engines.numpy.tensors import take
from hornbeam.engines.numpy.transforms import value_and_gradients


def look_up(table, ids):
    return take(table, ids, 0)


def only_looked_up(function, values, tables):
    """None: where nothing is differentiated, gradients need no other form."""
    return []


def value_and_row_gradients(function, values, tables):
    return value_and_gradients(function, values)


def update_rows(arrays, ids, gradients, scratch, change):
    first, rows, scratch = _first_places(scratch, ids)
    inside = rows < len(scratch)
    rows, total = rows[inside], sum_rows(gradients, first, len(ids))[inside]
    new = change({name: np.asarray(array)[rows] for name, array in arrays.items()}, total)
    return {name: _with_rows(array, rows, new[name]) for name, array in arrays.items()}, scratch


def _with_rows(array, rows, values):
    array = np.array(array)
    array[rows] = values
    return array


def _first_places(scratch, ids):
    scratch, ids = np.asarray(scratch), np.asarray(ids)
    size, count = len(scratch), len(ids)
    last = {int(number): place for place, number in enumerate(ids) if number < size}
    first = np.array([last.get(int(number), count) for number in ids], scratch.dtype)
    return first, np.where(first == np.arange(count), ids, size), scratch


def multiply_rows(rows, factor, times):
    powers = np.asarray(factor, rows.dtype) ** times.astype(rows.dtype)
    return rows * powers.reshape(-1, *[1] * (rows.ndim - 1))


def sum_rows(rows, places, size):
    total, inside = np.zeros((size, *rows.shape[1:]), rows.dtype), places < size
    np.add.at(total, places[inside], rows[inside])
    return total

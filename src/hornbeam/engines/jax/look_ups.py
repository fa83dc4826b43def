"""Look-ups of rows in tables on the JAX engine: gradients of the rows that were met, and rows updated in place.

A function is traced once. Where all it does with a table is look rows up, its equations are cut in two: those that the
numbers of the rows follow from, and the rest, which takes the rows as arguments and is differentiated by them.
docs/decisions/0011 has the measurements.
"""

import jax
import jax.numpy as jnp

from hornbeam.engines.jax import barriers as _barriers
from hornbeam.engines.jax import equal_ids as _equal_ids
from hornbeam.engines.jax import look_up_sources as _sources
from hornbeam.engines.jax.tensors import accelerated

_NAME = "hornbeam_look_up"  # by which a look-up is known among a program's equations


def look_up(table, ids):
    """Rows of `table` (V, ...) at `ids` (...); an id out of range gives a row of NaN for floats."""
    rows = _look_up(table, ids)
    _sources.remember(rows, ids, table.shape[0])
    return rows


def _take_rows(table, ids):
    return jnp.take(table, ids, axis=0)


_take_rows.__name__ = _take_rows.__qualname__ = _NAME
_look_up = jax.jit(_take_rows)


class _Parts:
    """The equations of `function(values)`, and where they look rows up.

    Attributes:
        found: list of (position of the table, variable of the ids, variable of the rows).
        whole: positions of tables that are used otherwise, too.
    """

    def __init__(self, function, values, tables):
        self.closed, self.form = jax.make_jaxpr(function, return_shape=True)(values)
        self.jaxpr = self.closed.jaxpr
        place = {self.jaxpr.invars[i]: i for i in tables}  # of the tables' variables, and of their casts
        self.found, self.rest, self.whole = [], [], set()
        for equation in self.jaxpr.eqns:
            used = [place[v] for v in _variables(equation.invars) if v in place]
            if not used:
                self.rest.append(equation)
            elif equation.primitive.name == "convert_element_type":
                place[equation.outvars[0]] = used[0]
            elif equation.params.get("name") == _NAME and len(used) == 1 and equation.invars[0] in place:
                self.found.append((used[0], equation.invars[1], equation.outvars[0]))
            else:
                self.whole.update(used)
        self.whole.update(place[v] for v in _variables(self.jaxpr.outvars) if v in place)
        # Numbers of rows that follow from rows: nobody knows what is meant.
        ids = self._ids_equations()
        made = {v: i for i, _, v in self.found}
        self.whole.update(made[v] for e in ids for v in _variables(e.invars) if v in made)
        self.whole.update(made[v] for _, v, _ in self.found if v in made)
        self.ids_equations = ids

    def _ids_equations(self):
        wanted, kept = set(_variables(v for _, v, _ in self.found)), []
        for equation in reversed(self.rest):
            if wanted & set(equation.outvars):
                kept.append(equation)
                wanted.update(_variables(equation.invars))
        return kept[::-1]

    def look_up(self, values):
        """List of (ids, rows), one a look-up; ids count from 0, or lie behind the table."""
        numbers = self._run(self.ids_equations, self.jaxpr.invars, [v for _, v, _ in self.found], values)
        made = []
        for ids, (i, _, _) in zip(numbers, self.found, strict=True):
            ids = jnp.where(ids < 0, ids + values[i].shape[0], ids)
            made.append((ids, look_up(values[i], ids)))
        return made

    def outputs(self, values, rows):
        """Result of the function where `rows` are what the look-ups found."""
        variables = [v for _, _, v in self.found]
        rows = [row.astype(v.aval.dtype) for row, v in zip(rows, variables, strict=True)]
        flat = self._run(self.rest, [*self.jaxpr.invars, *variables], self.jaxpr.outvars, [*values, *rows])
        return jax.tree.unflatten(jax.tree.structure(self.form), flat)

    def _run(self, equations, taken, given, values):
        info = self.jaxpr.debug_info._replace(arg_names=None, result_paths=None)
        part = self.jaxpr.replace(eqns=equations, invars=list(taken), outvars=list(given), debug_info=info)
        return jax.core.eval_jaxpr(part, self.closed.consts, *values)


def _variables(atoms):
    return [a for a in atoms if not hasattr(a, "val")]  # the others are constants


def only_looked_up(function, values, tables):
    """Those of `tables`, positions in the list `values`, that `function(values)` looks rows up in and does no more."""
    parts = _Parts(function, values, tables)
    return sorted({i for i, _, _ in parts.found} - parts.whole)


def value_and_row_gradients(function, values, tables):
    """((scalar, extra), gradients) of `function(values)`, which returns (scalar, extra).

    Args:
        function: pure.
        values: list of arrays.
        tables: positions of arrays that `only_looked_up` found; what uses one as a whole meets all its rows.

    Returns:
        In the place of a table's gradient (ids (n,), gradients (n, ...) of the rows there), in which one id may come
        several times, or lie behind the table.
    """
    parts = _Parts(function, values, tables)
    if set(tables) - ({i for i, _, _ in parts.found} - parts.whole):  # for batches of this size it is otherwise
        result, gradients = jax.value_and_grad(function, has_aux=True)(values)
        for i in tables:
            gradients[i] = jnp.arange(values[i].shape[0]), gradients[i]
        return result, gradients
    made = parts.look_up(values)
    others = [None if i in tables else v for i, v in enumerate(values)]

    def of_rows(others, rows):
        return parts.outputs([v if o is None else o for o, v in zip(others, values, strict=True)], rows)

    result, (gradients, by_row) = jax.value_and_grad(of_rows, argnums=(0, 1), has_aux=True)(
        others, [rows for _, rows in made]
    )
    for i in tables:
        own = [(ids, g) for (j, _, _), (ids, _), g in zip(parts.found, made, by_row, strict=True) if i == j]
        own = [(ids + _barriers.zero_after(g), g) for ids, g in own]  # what is looked up by them waits for `g`
        gradients[i] = tuple(_joined(column, values[i].shape[1:]) for column in zip(*own, strict=True))
    return result, gradients


def _joined(arrays, shape):
    shape = () if jnp.issubdtype(arrays[0].dtype, jnp.integer) else shape
    flat = [a.reshape(-1, *shape) for a in arrays]
    return flat[0] if len(flat) == 1 else jnp.concatenate(flat)


# --- Rows of tables, updated ---

_PARTS = 16  # of the rows that a step may meet, in which they are changed
_LEAST_ROWS = 256  # in a part; with 64, steps of 1 500 to 4 000 ids take a fifth to a half longer where few are equal


def update_rows(arrays, ids, gradients, scratch, change):
    """Change the rows of arrays that `ids` name, each once; costs the same whatever the arrays' size.

    Rows are changed in parts, as many as there are different ids: of 100 000 ids of padded reviews 13 000 differ, and
    arrays for all of them took 3 % of a training step and 0.1 GB.

    Args:
        arrays: dict of arrays (V, ...).
        ids: (n,) integers from 0 on, some perhaps several times; those of V or more are left out.
        gradients: (n, ...); those of equal ids are added up.
        scratch: (V,) int32, whatever it holds.
        change: (dict of rows (m, ...), gradients (m, ...)) -> dict of new rows.

    Returns:
        (dict of the arrays with new rows, the scratch to hand in next time)
    """
    first, rows, scratch = _equal_ids.first_places(scratch, ids)
    count, size = ids.shape[0], scratch.shape[0]
    if accelerated() or count < _PARTS * _LEAST_ROWS:
        return _change_rows(arrays, rows, sum_rows(gradients, first, count), change), scratch
    length = -(-count // _PARTS)
    number, rows, different = _equal_ids.side_by_side(rows < size, rows, _PARTS * length, size)
    number = jnp.where(first < count, number.at[first].get(mode="clip"), _PARTS * length)

    def part(i, arrays):
        place = number - i * length
        total = sum_rows(gradients, jnp.where(place < 0, length, place), length)
        return _change_rows(arrays, jax.lax.dynamic_slice_in_dim(rows, i * length, length), total, change)

    return jax.lax.fori_loop(0, -(-different // length), part, arrays), scratch


def _change_rows(arrays, rows, total, change):
    """`arrays` with their `rows` (n,) changed, of which those behind them are left out."""
    found = {name: array.at[rows].get(mode="clip") for name, array in arrays.items()}
    new = change(found, total)
    # Writing waits for all that was read: otherwise it needs a copy of the whole array.
    rows = rows + sum(_barriers.zero_after(row) for row in new.values())
    return {name: array.at[rows].set(new[name], mode="drop") for name, array in arrays.items()}


def multiply_rows(rows, factor, times):
    """Each of `rows` (n, ...) times factor ** its number of `times` (n,)."""
    powers = jnp.asarray(factor, rows.dtype) ** times.astype(rows.dtype)
    return rows * powers.reshape(-1, *[1] * (rows.ndim - 1))


def sum_rows(rows, places, size):
    """Array (size, ...) of `rows` (n, ...) added up at their `places` (n,), of which those behind it are left out."""
    zero = _barriers.zero_after(rows).astype(rows.dtype)  # a constant would be kept beside, and copied in each step
    return jnp.full((size, *rows.shape[1:]), zero).at[places].add(rows, mode="drop")

"""Tables made ready with what the training rows say and nothing else: gaps, categories, scales, sets of numbers."""

import warnings

import numpy as np

from hornbeam.checks import integer, unknown_name, wrong_argument
from hornbeam.utils.standardization import Standardization

_STATISTICS = {"mean": np.nanmean, "median": np.nanmedian}


def multi_hot(sequences, num_words=None, dtype="float32"):
    """Rows of zeros with ones at the places of a sequence's numbers: a text as the set of its words.

    Order and repetition are lost. `Tokenizer.sequences_to_matrix` counts and weighs as well.

    Args:
        sequences: list of lists of whole numbers from 0 on, or an array (N, T).
        num_words: width of the result; None takes the greatest number plus one. Give it, so that training and test
            data have the same width.
        dtype: type of the result, 'float32'.

    Shapes:
        N sequences -> (N, num_words)

    Raises:
        ValueError: a number is not whole or lies outside.

    Example:
        >>> multi_hot([[1, 3], [0, 0]], 4)
        array([[0., 1., 0., 1.],
               [1., 0., 0., 0.]], dtype=float32)
    """
    parts = [np.asarray(sequence).ravel() for sequence in sequences]
    numbers = np.concatenate([part for part in parts if part.size] or [np.array([], "int64")])
    if numbers.dtype.kind not in "fiub":
        raise ValueError(f"multi_hot takes whole numbers, got {numbers[0]!r}. Tokenizer makes numbers of words.")
    whole = numbers.astype("int64")
    if not np.array_equal(whole, numbers):
        wrong = numbers[whole != numbers][0]
        raise ValueError(f"multi_hot takes whole numbers, got {wrong!r}. Tokenizer makes numbers of words.")
    if num_words is None:
        num_words = int(whole.max(initial=-1)) + 1
    num_words = integer("multi_hot", "num_words", num_words, least=0)
    outside = whole[(whole < 0) | (whole >= num_words)]
    if outside.size:
        raise ValueError(
            f"multi_hot: number {outside[0]} is outside 0 to {num_words - 1}. Give num_words the greatest number plus "
            "one, or leave rare words out where the data are loaded: imdb.load_data(num_words=10000)."
        )
    x = np.zeros((len(parts), num_words), dtype)
    x[np.repeat(np.arange(len(parts)), [part.size for part in parts]), whole] = 1
    return x


class Preparation:
    """Base of what learns from the training rows (`fit`) and then treats all rows alike (`transform`).

    Rows come as an array (N, C) or (N,), or as a frame (pandas, polars, or a dict of columns); `transform` wants the
    columns that `fit` saw.

    Attributes:
        names: of the features of the result, once it is fitted.
    """

    def fit(self, rows):
        """Learn from the training rows, and from these only. Returns the object itself.

        Args:
            rows: array or frame.
        """
        columns = _columns(rows)
        if not columns or not len(next(iter(columns.values()))):
            raise ValueError(f"{type(self).__name__}: there is nothing to learn from, no rows or no columns.")
        self.names = self._fit(columns)
        self._wanted = list(columns)
        return self

    def transform(self, rows):
        """The rows, treated by what `fit` learned: an array (N, features).

        Args:
            rows: array or frame with the columns that `fit` saw.

        Raises:
            ValueError: nothing was learned yet, or columns differ.
        """
        if not hasattr(self, "_wanted"):
            raise ValueError(f"{type(self).__name__}: nothing is learned yet. Call fit with the training rows first.")
        columns = _columns(rows)
        if set(columns) != set(self._wanted):
            raise ValueError(
                f"{type(self).__name__} learned the columns {_listed(self._wanted)}, got {_listed(columns)}. Give the "
                "columns that fit was given."
            )
        parts = self._transform({name: columns[name] for name in self._wanted})
        return np.concatenate(parts, axis=1, dtype=self.dtype, casting="unsafe")

    def fit_transform(self, rows):
        """`fit` and `transform` in one call, for the training rows."""
        return self.fit(rows).transform(rows)

    def _fit(self, columns):
        """Learn from a dict of columns; names of the features."""
        raise NotImplementedError

    def _transform(self, columns):
        """List of arrays (N, features), side by side."""
        raise NotImplementedError


class FillMissing(Preparation):
    """Gaps (nan, None) become the training part's mean or median, and a column of ones says where they were.

    Every column that had gaps in training gets such a mask column, after all others, so that a model can tell a number
    that was measured from one that was filled in. A gap that comes up later in another column is filled as well, with a
    warning.

    Args:
        value: 'mean', 'median', or the number to fill in.
        mask: add mask columns? True.
        dtype: type of the result, 'float32'.

    Shapes:
        (N, C) -> (N, C + columns with gaps)

    Raises:
        ValueError: a column holds no numbers, or nothing but gaps.

    Example:
        >>> fill = FillMissing().fit([[1.0, 5.0], [3.0, None]])
        >>> fill.transform([[2.0, None]]).tolist(), fill.names
        ([[2.0, 5.0, 1.0]], ['0', '1', '1_missing'])
    """

    def __init__(self, value="mean", mask=True, dtype="float32"):
        if isinstance(value, str) and value not in _STATISTICS:
            raise unknown_name("value to fill in", value, _STATISTICS, "A number will do as well.")
        self.value = value
        self.mask = mask
        self.dtype = dtype

    def _fit(self, columns):
        x = _matrix(columns)
        gaps = np.isnan(x)
        self._gappy = np.any(gaps, axis=0)
        if isinstance(self.value, str):
            if gaps.all(axis=0).any():
                name = list(columns)[gaps.all(axis=0).argmax()]
                raise ValueError(
                    f"FillMissing: column {name!r} of the training rows has nothing but gaps, and so no {self.value}. "
                    "Leave it out, or give a number: FillMissing(value=0)."
                )
            self.filling = _STATISTICS[self.value](x, axis=0)
        else:
            self.filling = np.full(x.shape[1], self.value, "float64")
        masked = [f"{name}_missing" for name, gappy in zip(columns, self._gappy) if gappy] if self.mask else []
        return [*map(str, columns), *masked]

    def _transform(self, columns):
        x = _matrix(columns)
        gaps = np.isnan(x)
        for name, count, known in zip(columns, gaps.sum(axis=0), self._gappy):
            if self.mask and count and not known:
                warnings.warn(
                    f"FillMissing: column {name!r} has {count} gaps and had none in the training rows: they are "
                    "filled, but no mask column says where.",
                    UserWarning,
                    stacklevel=3,
                )
        return [np.where(gaps, self.filling, x), gaps[:, self._gappy & self.mask]]


class Standardize(Preparation):
    """(x - mean) / deviation by column, with the training rows' mean and deviation; a constant column becomes 0.

    Args:
        dtype: type of the result, 'float32'.

    Raises:
        ValueError: a column holds no numbers, or has gaps.

    Example:
        >>> Standardize().fit([[1.0], [3.0]]).transform([[5.0]]).tolist()
        [[3.0]]
    """

    def __init__(self, dtype="float32"):
        self.dtype = dtype

    def _fit(self, columns):
        self._learned = Standardization([self._without_gaps(columns)])
        return [str(name) for name in columns]

    def _transform(self, columns):
        return self._learned([self._without_gaps(columns)])

    def _without_gaps(self, columns):
        x = _matrix(columns)
        gaps = np.isnan(x).any(axis=0)
        if gaps.any():
            raise ValueError(
                f"Standardize: column {list(columns)[gaps.argmax()]!r} has gaps (nan). Fill them first: "
                "FillMissing().fit_transform(rows), or PrepareTable, which does both."
            )
        return x


class OneHot(Preparation):
    """A column of zeros and ones for every category that the training rows have, in sorted order.

    Categories are strings or whole numbers of any size. A gap (None, nan) is a category of its own if training has one.

    Args:
        unknown: what a category that training never had is: 'error', or 'column', one more for each input column.
        dtype: type of the result, 'float32'.

    Attributes:
        categories: list of the categories of each column.

    Shapes:
        (N,) or (N, C) -> (N, number of all categories)

    Raises:
        ValueError: a category is unknown.

    Example:
        >>> one_hot = OneHot(unknown="column").fit(["red", "blue", "red"])
        >>> one_hot.names, one_hot.transform(["blue", "green"]).tolist()
        (['0=blue', '0=red', '0_unknown'], [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    """

    def __init__(self, unknown="error", dtype="float32"):
        if unknown not in ("error", "column"):
            raise wrong_argument("OneHot", "unknown", unknown, "'error' or 'column'")
        self.unknown = unknown
        self.dtype = dtype

    def _fit(self, columns):
        self.categories = [_sorted_categories(column) for column in columns.values()]
        names = []
        for name, categories in zip(columns, self.categories):
            names += [f"{name}_missing" if category is None else f"{name}={category}" for category in categories]
            names += [f"{name}_unknown"] * (self.unknown == "column")
        return names

    def _transform(self, columns):
        return [self._one_column(n, columns[n], known) for n, known in zip(columns, self.categories)]

    def _one_column(self, name, column, categories):
        values = _without_kinds_of_gaps(column)
        place_of = {category: place for place, category in enumerate(categories)}
        places = np.array([place_of.get(value, len(categories)) for value in values], "int64")
        strange = places == len(categories)
        if strange.any() and self.unknown == "error":
            raise ValueError(
                f"OneHot: column {name!r} has {strange.sum()} values that the training rows never had, such as "
                f"{values[strange.argmax()]!r}; known are {_listed(categories)}. Give unknown='column' for a column of "
                "their own, or fit on rows that have them."
            )
        x = np.zeros((len(values), len(categories) + (self.unknown == "column")), self.dtype)
        x[np.arange(len(values)), places] = 1
        return x


class PrepareTable(Preparation):
    """A whole table as numbers: quantities filled and standardised, categories one-hot, by the training rows alone.

    The result has the quantities, their mask columns (0 and 1), then the categories' columns. Columns of text and of
    booleans are categories; whole numbers that are labels (a postcode) must be named in `categories`.

    Args:
        categories: names of columns (numbers of columns for an array) that are categories, beside those of text.
        value, mask: of `FillMissing`.
        standardize: bring quantities to mean 0 and deviation 1?
        unknown: of `OneHot`.
        dtype: type of the result, 'float32'.

    Shapes:
        (N, C) -> (N, features)

    Raises:
        ValueError: a name is not that of a column; and what the parts raise.

    Example:
        >>> train = {"age": [20.0, 40.0, None], "city": ["Rome", "Oslo", "Rome"]}
        >>> table = PrepareTable().fit(train)
        >>> table.names
        ['age', 'age_missing', 'city=Oslo', 'city=Rome']
        >>> table.transform({"age": [30.0], "city": ["Rome"]}).tolist()
        [[0.0, 0.0, 0.0, 1.0]]
    """

    def __init__(self, categories=(), value="mean", mask=True, standardize=True, unknown="error", dtype="float32"):
        self.categories = [categories] if isinstance(categories, str | int) else list(categories)
        self.standardize = standardize
        self.dtype = dtype
        self._fill = FillMissing(value, mask, "float64")
        self._scale = Standardize("float64")
        self._one_hot = OneHot(unknown, dtype)

    def _fit(self, columns):
        for name in self.categories:
            if name not in columns:
                raise unknown_name("column", name, columns)
        self._labels = [n for n, column in columns.items() if n in self.categories or not _is_quantity(column)]
        numbers, labels = self._halves(columns)
        names = []
        if numbers:
            filled = self._fill.fit_transform(numbers)
            if self.standardize:
                self._scale.fit(filled[:, : len(numbers)])
            names += self._fill.names
        if labels:
            names += self._one_hot.fit(labels).names
        return names

    def _transform(self, columns):
        numbers, labels = self._halves(columns)
        parts = []
        if numbers:
            filled = self._fill.transform(numbers)
            quantities, masks = filled[:, : len(numbers)], filled[:, len(numbers) :]
            parts += [self._scale.transform(quantities) if self.standardize else quantities, masks]
        if labels:
            parts.append(self._one_hot.transform(labels))
        return parts

    def _halves(self, columns):
        labels = {name: columns[name] for name in self._labels}
        return {name: column for name, column in columns.items() if name not in labels}, labels


# --- Columns ---


def _columns(rows):
    """Dict from name to array (N,) of the columns of a frame, a dict, a series, or an array."""
    if isinstance(rows, dict):
        return {name: _column(rows[name]) for name in rows}
    if hasattr(rows, "columns") and hasattr(rows, "to_numpy"):
        return {name: _column(rows[name]) for name in rows.columns}
    if getattr(rows, "name", None) is not None and hasattr(rows, "to_numpy"):
        return {rows.name: _column(rows)}
    array = rows if isinstance(rows, np.ndarray) else _array(rows)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(f"A table is an array (rows, columns) or a frame, got shape {array.shape}.")
    return dict(enumerate(array.T))


def _array(rows):
    array = np.asarray(rows)
    # NumPy makes text of numbers that stand beside text.
    return np.asarray(rows, object) if array.dtype.kind in "US" else array


def _column(values):
    column = _array(values)
    if column.ndim != 1:
        raise ValueError(f"A column of a table has one axis, got shape {column.shape}.")
    return column


def _is_gap(value):
    """None, nan, NaT, or pandas' NA, whose comparisons are neither true nor false."""
    try:
        return value is None or bool(value != value)
    except TypeError:
        return True


def _is_quantity(column):
    """Not text, not booleans. Dates count as quantities, so that they are answered with an error and not one by one."""
    if column.dtype != object:
        return column.dtype.kind in "fiuMm"
    return all(_is_gap(v) or (isinstance(v, int | float | np.number) and not isinstance(v, bool)) for v in column)


def _matrix(columns):
    """Columns of numbers side by side in double precision, gaps as nan."""
    return np.stack([_numbers(name, column) for name, column in columns.items()], axis=1)


def _numbers(name, column):
    if column.dtype.kind in "fiub":
        return column.astype("float64")
    try:
        if column.dtype == object:
            return np.array([np.nan if _is_gap(value) else float(value) for value in column], "float64")
    except (TypeError, ValueError):
        pass
    came = next((value for value in column if not isinstance(value, int | float) and not _is_gap(value)), None)
    raise ValueError(
        f"Column {name!r} holds no numbers but {str(came)!r}, for one. Make categories of it (OneHot, PrepareTable), "
        "or of a date the days since the first."
    )


def _without_kinds_of_gaps(column):
    """List of the values, None for every gap."""
    return [None if _is_gap(value) else value for value in column.tolist()]


def _sorted_categories(column):
    values = set(_without_kinds_of_gaps(column))
    known = sorted(values - {None}, key=lambda value: (isinstance(value, str), value))
    return [*known, None] if None in values else known


def _listed(names, most=8):
    names = [repr(name) for name in names]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")

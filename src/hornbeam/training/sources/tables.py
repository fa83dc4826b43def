"""Data with named columns: frames, tables, data sets of rows, and batches that are dicts."""

import sys

import numpy as np

from hornbeam.training.sources.columns import Column

TARGET_NAMES = ("label", "labels", "target", "targets", "y")
WEIGHT_NAMES = ("sample_weight", "sample_weights")


def is_row_table(value):
    """Is this a data set of named rows, as Hugging Face's are: `d[3]` a row, `d[[3, 5]]` a dict of columns?"""
    return all(hasattr(value, name) for name in ("column_names", "with_format", "__getitem__", "__len__"))


def columns_of_rows(table):
    """The columns of a data set of rows, read when needed; one access serves all of them."""
    table = table.with_format("numpy")
    kept: list = [None, None]  # row numbers read last, and what came

    def read(name):
        def rows_of(rows):
            if kept[0] is None or not np.array_equal(kept[0], rows):
                kept[:] = [np.array(rows), table[[int(row) for row in rows]]]
            return _stacked(kept[1][name], name)

        return rows_of

    first = {name: _stacked(value, name) for name, value in table[[0]].items()}
    return {
        name: Column(read(name), (len(table), *value.shape[1:]), value.dtype)
        for name, value in first.items()
        if value.dtype.kind in "fiub"
    }


def _stacked(values, name):
    array = np.asarray(values)
    if array.dtype == object:
        try:
            return np.stack([np.asarray(value) for value in values])
        except ValueError:
            raise ValueError(
                f"The rows of the column {name!r} have different shapes, so they make no batch. Pad them to one length "
                f"first."
            ) from None
    return array


def split_columns(columns, input_names, output_names):
    """(x, y, sample_weight) out of a dict of named columns.

    Inputs and outputs take the columns of their names. A model with one output also takes 'label', 'labels',
    'target', 'targets' or 'y'; one with a single input takes the one column that is left.

    Args:
        columns: dict.
        input_names: of the model; None if it has no names, and takes what is left.
        output_names: of the model.

    Raises:
        ValueError: no column fits an input.

    Example:
        >>> split_columns({"image": 1, "label": 2}, ["input_1"], ["output_1"])
        (1, 2, None)
    """
    rest = dict(columns)
    named = {name: rest.pop(name) for name in input_names or () if name in rest}
    targets = {name: rest.pop(name) for name in output_names if name in rest}
    if not targets and len(output_names) == 1:
        usual = next((name for name in TARGET_NAMES if name in rest), None)
        targets = {} if usual is None else {usual: rest.pop(usual)}
    y = None if not targets else next(iter(targets.values())) if len(output_names) == 1 else targets
    weight = next((rest.pop(name) for name in WEIGHT_NAMES if name in rest), None)
    if input_names is None:
        return (next(iter(rest.values())) if len(rest) == 1 else rest), y, weight
    missing = [name for name in input_names if name not in named]
    if missing and len(input_names) == 1 and len(rest) == 1:
        named = rest
    elif missing:
        raise ValueError(
            f"The model's input {missing[0]!r} finds no column of its name. Columns: "
            f"{', '.join(map(str, columns))}; inputs: {', '.join(input_names)}. Name the inputs as the columns are, or "
            f"rename columns."
        )
    return (next(iter(named.values())) if len(input_names) == 1 else named), y, weight


# --- Frames and tables in memory ---


def is_frame(value):
    """Is this a table in memory: pandas, polars, pyarrow, or anything that offers itself as one?"""
    return hasattr(value, "columns") and hasattr(value, "to_numpy") or hasattr(value, "column_names") and (
        hasattr(value, "to_pandas") and hasattr(value, "__len__") or hasattr(value, "__arrow_c_stream__")
    ) or (hasattr(value, "__dataframe__") and not hasattr(value, "dtype"))  # fmt: skip


def frame_columns(frame):
    """Dict of the columns of a frame.

    Raises:
        TypeError: nothing that is installed can read it.
    """
    if hasattr(frame, "columns") and hasattr(frame, "to_numpy"):  # pandas, polars
        return {str(name): frame[name] for name in frame.columns}
    if hasattr(frame, "column_names") and hasattr(frame, "column"):  # pyarrow
        return {name: frame.column(name) for name in frame.column_names}
    for module, function in (("pyarrow", "table"), ("polars", "from_dataframe"), ("pandas", "api")):
        library = sys.modules.get(module) or _installed(module)
        if library is None:
            continue
        if module == "pandas":
            return frame_columns(library.api.interchange.from_dataframe(frame))
        if module == "pyarrow" and not hasattr(frame, "__arrow_c_stream__"):
            continue
        return frame_columns(getattr(library, function)(frame))
    raise TypeError(f"A {type(frame).__name__} needs pyarrow, polars or pandas to be read: pip install pyarrow.")


def _installed(module):
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def frame_array(frame, what):
    """All columns of a frame side by side, (rows, columns).

    Raises:
        ValueError: a column holds no numbers; the message names it.
    """
    plain = frame.to_numpy() if hasattr(frame, "to_numpy") else None
    if plain is not None and plain.dtype.kind in "fiub":
        return plain
    arrays = [series_array(column, f"{what}, column {name!r}") for name, column in frame_columns(frame).items()]
    return np.stack(arrays, axis=1) if arrays else np.zeros((len(frame), 0), "float32")


def series_array(series, what):
    """A column of a frame as an array; missing numbers become NaN.

    Raises:
        ValueError: it holds no numbers, or lists of different lengths.
    """
    array = _plain(series)
    if array.dtype == object:
        array = _from_objects(array, what)
    if array.dtype.kind not in "fiub":
        sample = array.reshape(-1)[:1].tolist()
        raise ValueError(
            f"{what} holds {series.dtype if hasattr(series, 'dtype') else array.dtype} values"
            f"{f' such as {sample[0]!r}' if sample else ''}, not numbers. Give each word a number or a column of its "
            f"own first (pandas.get_dummies), or leave the column out."
        )
    return array


def _plain(series):
    dtype = getattr(series, "dtype", None)
    missing = getattr(dtype, "na_value", None) is not None and hasattr(series, "isna")
    if missing and getattr(dtype, "kind", "O") in "iufb":  # pandas' own types, which know of missing values
        return series.to_numpy(dtype="float64", na_value=np.nan) if series.isna().any() else series.to_numpy(
            dtype=dtype.kind + str(getattr(dtype, "itemsize", 1)) if dtype.kind != "b" else "bool")  # fmt: skip
    if hasattr(series, "combine_chunks") and hasattr(series, "to_numpy"):  # pyarrow
        return series.to_numpy()
    return np.asarray(series.to_numpy() if hasattr(series, "to_numpy") else series)


def _from_objects(array, what):
    """Objects that are numbers, None among them, or rows of one length."""
    sample = next((value for value in array if value is not None), None)
    if hasattr(sample, "__len__") and not isinstance(sample, str):
        try:
            return np.stack([np.asarray(row) for row in array])
        except ValueError:
            raise ValueError(f"{what}: the rows have different lengths. Pad them: pad_sequences(rows).") from None
    if isinstance(sample, (int, float, np.number, bool)):
        return np.array([np.nan if value is None else value for value in array], "float64")
    return array

"""Batches of picture files that a table lists: DataFrameIterator."""

import os
import warnings

import numpy as np

from hornbeam import checks
from hornbeam.preprocessing.image.files import BatchFromFilesMixin, class_names, known_class_mode
from hornbeam.preprocessing.image.iterators import Iterator
from hornbeam.preprocessing.image.pictures import float_type, validate_filename

_WITHOUT_CLASSES = ("input", "multi_output", "raw", None)


class DataFrameIterator(BatchFromFilesMixin, Iterator):
    """Batches of picture files that a pandas DataFrame lists; what `flow_from_dataframe` gives.

    Args:
        dataframe: a row for each picture; a dict of columns will do.
        directory: folder that the names in `x_col` start from; None if they are whole paths.
        image_data_generator: ImageDataGenerator, or None to take the pictures as they are.
        x_col: column of the file names, extension included.
        y_col: column of the targets; a list of columns for 'multi_output', and if wanted for 'raw'.
        weight_col: column of the weights, or None.
        target_size, color_mode: see :class:`DirectoryIterator`.
        classes: which classes to take; rows of others are left out. None for all. Numbers follow the sorted names.
        class_mode: targets: 'categorical' one-hot rows (a cell may hold a list of classes), 'binary' and 'sparse'
            class numbers, 'raw' what the column holds, 'multi_output' a list of columns, 'input' the pictures
            themselves, None nothing.
        batch_size, shuffle, seed: see :class:`Iterator`.
        data_format, save_to_dir, save_prefix, save_format, interpolation, dtype, keep_aspect_ratio: see
            :class:`DirectoryIterator`.
        subset: 'training' or 'validation': which part of the rows, by the generator's `validation_split`; the first
            rows are the validation part.
        validate_filenames: look whether each file exists, and leave out rows without one?

    Attributes:
        filenames: files, as in `x_col`. filepaths: their paths. samples: how many there are.
        classes: class number of each row (a list of them where a cell held a list). class_indices: name -> number.

    Shapes:
        (B, H, W, C) of pictures; targets (B, classes), (B,), (B, columns), a list, or (B, H, W, C)

    Raises:
        ValueError: a column is missing, no file exists, an argument is wrong.
        TypeError: the cells of a column are of the wrong kind.

    Example:
        >>> import tempfile
        >>> from hornbeam.preprocessing.image import save_img
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_img(os.path.join(folder, "1.png"), np.zeros((4, 4, 3)))
        ...     table = {"filename": ["1.png"], "age": [7]}
        ...     batches = DataFrameIterator(table, folder, y_col="age", class_mode="raw", target_size=(2, 2))
        ...     x, y = next(batches)
        Found 1 validated image filenames.
        >>> x.shape, y.tolist()
        ((1, 2, 2, 3), [7])

    Reference: keras_preprocessing 1.1.2.
    """

    allowed_class_modes = {"binary", "categorical", "input", "multi_output", "raw", "sparse", None}

    def __init__(
        self, dataframe, directory=None, image_data_generator=None, x_col="filename", y_col="class", weight_col=None,
        target_size=(256, 256), color_mode="rgb", classes=None, class_mode="categorical", batch_size=32, shuffle=True,
        seed=None, data_format=None, save_to_dir=None, save_prefix="", save_format="png", subset=None,
        interpolation="nearest", dtype=None, validate_filenames=True, keep_aspect_ratio=False,
    ):  # fmt: skip
        self.set_processing_attrs(
            image_data_generator, target_size, color_mode, data_format, save_to_dir, save_prefix, save_format, subset,
            interpolation, keep_aspect_ratio,
        )  # fmt: skip
        self._owner = type(self).__name__
        self.directory = directory or ""
        self.class_mode = known_class_mode(self._owner, class_mode, self.allowed_class_modes)
        self.dtype = float_type(self._owner, dtype)
        classes = class_names(self._owner, classes)
        names = self._names_in(dataframe, x_col)
        rows = np.arange(len(names))
        if validate_filenames:
            rows = self._rows_with_files(names, x_col)
        if class_mode not in _WITHOUT_CLASSES:
            rows, labels = self._rows_with_classes(self._labels_in(dataframe, y_col, classes), rows, classes)
        elif classes:
            warnings.warn(f"{self._owner}: class_mode={class_mode!r} makes no use of classes.", stacklevel=3)
        if self.split:
            begin, end = (int(share * len(rows)) for share in self.split)
            rows = rows[begin:end]
        if class_mode not in _WITHOUT_CLASSES:
            self.classes = self.get_classes({y_col: [labels[row] for row in rows]}, y_col)
        self._targets = self._columns_in(dataframe, y_col, rows)
        self._sample_weight = None if weight_col is None else self._weights_in(dataframe, weight_col)[rows]
        self.filenames = [names[row] for row in rows]
        self.samples = len(self.filenames)
        self._tell(validate_filenames, names)
        self._filepaths = [os.path.join(self.directory, name) for name in self.filenames]
        super().__init__(self.samples, batch_size, shuffle, seed)

    # --- Columns ---

    def _column(self, frame, argument, name):
        columns = list(frame.keys() if hasattr(frame, "keys") else getattr(frame, "columns", []))
        if name not in columns:
            raise checks.unknown_name(f"{self._owner} {argument}, a column,", name, columns)
        return frame[name]

    def _names_in(self, frame, x_col):
        names = list(self._column(frame, "x_col", x_col))
        for name in names:
            if not isinstance(name, (str, os.PathLike)):
                raise TypeError(
                    f"{self._owner}: x_col={x_col!r} holds file names, which are text; got {name!r}. Is it the right "
                    f"column? Numbers become names by frame[{x_col!r}].astype(str) + '.png'."
                )
        return names

    def _labels_in(self, frame, y_col, classes):
        labels = list(self._column(frame, "y_col", y_col))
        kinds = (str, list, tuple) if self.class_mode == "categorical" else (str,)
        for label in labels:
            if not isinstance(label, kinds):
                lists = ", or lists of them" if list in kinds else ""
                raise TypeError(
                    f"{self._owner}: with class_mode={self.class_mode!r}, y_col={y_col!r} holds names of classes as "
                    f"text{lists}; got {label!r}. Numbers become names by frame[{y_col!r}].astype(str); to have them "
                    f"as they are, say class_mode='raw'."
                )
        known = set(classes or labels) if self.class_mode == "binary" else ()
        if self.class_mode == "binary" and len(known) != 2:
            raise ValueError(
                f"{self._owner}: class_mode='binary' needs two classes, got {len(known)}: {sorted(known)[:5]}. Take "
                f"'categorical' or 'sparse'."
            )
        return labels

    def _columns_in(self, frame, y_col, rows):
        """Targets that columns hold as they are, or None."""
        if self.class_mode == "multi_output":
            if not isinstance(y_col, list):
                raise TypeError(
                    f"{self._owner}: class_mode='multi_output' needs y_col as a list of columns; got {y_col!r}."
                )
            columns = [list(self._column(frame, "y_col", name)) for name in y_col]
            return [np.array([column[row] for row in rows]) for column in columns]
        if self.class_mode != "raw":
            return None
        if isinstance(y_col, (list, tuple)):
            return np.stack([np.asarray(self._column(frame, "y_col", name)) for name in y_col], axis=1)[rows]
        return np.asarray(self._column(frame, "y_col", y_col))[rows]

    def _weights_in(self, frame, weight_col):
        weights = np.asarray(self._column(frame, "weight_col", weight_col))
        if weights.dtype.kind not in "iuf":
            raise TypeError(f"{self._owner}: weight_col={weight_col!r} must hold numbers; it holds {weights.dtype}.")
        return weights

    # --- Which rows stay ---

    def _rows_with_files(self, names, x_col):
        there = [validate_filename(os.path.join(self.directory, name), self.white_list_formats) for name in names]
        missing = [name for name, found in zip(names, there) if not found]
        if missing:
            shown = ", ".join(repr(os.path.join(self.directory, name)) for name in missing[:3])
            more = " ..." if len(missing) > 3 else ""
            warnings.warn(
                f"{self._owner}: {len(missing)} of {len(names)} names in x_col={x_col!r} are left out: there is no "
                f"such picture: {shown}{more}",
                stacklevel=4,
            )
        return np.flatnonzero(there)

    def _rows_with_classes(self, labels, rows, wanted):
        """(rows that have a class, labels of all rows); sets `class_indices`."""
        if wanted:
            keep = set(wanted)
            for row, label in enumerate(labels):
                if isinstance(label, str):
                    labels[row] = label if label in keep else None
                else:
                    labels[row] = [name for name in label if name in keep] or None
            rows = np.array([row for row in rows if labels[row] is not None], dtype=int)
        else:
            keep = set()
            for row in rows:
                keep.update([labels[row]] if isinstance(labels[row], str) else labels[row])
        self.class_indices = {name: number for number, name in enumerate(sorted(keep))}
        return rows, labels

    def get_classes(self, df, y_col):
        """Class number of each cell of the column `y_col` of `df`; a list of them for a cell that holds several."""
        return [
            self.class_indices[label] if isinstance(label, str) else [self.class_indices[name] for name in label]
            for label in df[y_col]
        ]

    def _tell(self, validated, names):
        kind = "validated" if validated else "non-validated"
        classes = "" if self.class_mode in _WITHOUT_CLASSES else f" belonging to {len(self.class_indices)} classes"
        print(f"Found {self.samples} {kind} image filenames{classes}.")
        if self.samples:
            return
        first = os.path.join(self.directory, names[0]) if len(names) else None
        if first is None:
            cure = "The table has no rows."
        elif not os.path.splitext(first)[1]:
            cure = f"Names need their extension: {first!r} has none; add it: frame[x_col] + '.jpg'."
        else:
            cure = f"The first name means {first!r}: look at directory, classes, subset and validation_split."
        raise ValueError(f"{self._owner}: no pictures are left of {len(names)} rows. {cure}")

    @property
    def filepaths(self):
        """List of paths, one for each row."""
        return self._filepaths

    @property
    def labels(self):
        """Targets of all rows: class numbers, or what the columns hold."""
        return self._targets if self.class_mode in ("multi_output", "raw") else self.classes

    @property
    def sample_weight(self):
        """Weights of all rows, or None."""
        return self._sample_weight

"""What fit, evaluate and predict run over: arrays or a stream, training rows and held-out rows, one Run for either."""

import warnings

import numpy as np

from hornbeam.training.data import ArrayData
from hornbeam.training.lengths import order_by_length
from hornbeam.training.preparation import Preparation
from hornbeam.training.runner import Run
from hornbeam.training.sources.buckets import Buckets, are_rows, padded_in_front
from hornbeam.training.sources.columns import is_column, part_of
from hornbeam.training.sources.streams import Stream, stream_kind
from hornbeam.training.sources.tables import is_row_table
from hornbeam.training.stream_runner import StreamRun
from hornbeam.utils import splits

# Arguments of fit, evaluate and predict that say how a stream is read.
READING = {"max_queue_size": None, "workers": None, "use_multiprocessing": None, "bucket_by_length": False}


class Feeding(Preparation):
    """The part of a model that turns what users hand over into something to run over."""

    def _source(
        self, x, y=None, sample_weight=None, class_weight=None, with_targets=True, options=None, shuffle=False,
        size=None,
    ):  # fmt: skip
        """An ArrayData, or a Stream of them whose `sample` is the first."""
        options = options or {}
        bucketed = options.get("bucket_by_length")
        if bucketed and stream_kind(x) is None and are_rows(x, 1 if self._graph is None else len(self._graph.inputs)):
            x = Buckets(x, y, sample_weight, checked_rows(size), shuffle)
            y = sample_weight = None
        stream, sample = self._prepare_stream(
            x, with_targets, class_weight, y, sample_weight, shuffle=bool(shuffle), workers=options.get("workers"),
            processes=options.get("use_multiprocessing"), ahead=options.get("max_queue_size"),
        )  # fmt: skip
        if stream is None:
            if not with_targets:
                return self._prepare(x)
            return self._prepare(x, y, sample_weight, class_weight, for_training=True)
        if bucketed and not isinstance(stream.source, Buckets):
            make = stream.prepare
            stream.prepare = lambda batch: self._lengthened(make(batch))
            sample = self._lengthened(sample)
        stream.sample = sample
        return stream

    def _lengthened(self, batch):
        """A batch whose inputs of open length are padded in front, so that few lengths come."""
        open_shape = (None, None)
        shapes = [open_shape for _ in batch.inputs] if self._graph is None else [t.shape for t in self._graph.inputs]
        outputs = self._objectives.shapes if self._objectives is not None and batch.targets else []
        if any(len(shape) > 2 and shape[1] is None for shape in outputs):
            raise ValueError(
                "bucket_by_length cannot tell the targets of padded steps from real ones in batches that come made. "
                "Give x and y as lists of rows, or pad the batches to few lengths and weigh the padding 0."
            )
        batch.inputs = [
            padded_in_front(a) if len(shape) > 1 and shape[1] is None and a.ndim > 1 else a
            for a, shape in zip(batch.inputs, shapes, strict=True)
        ]
        return batch

    def _validation_source(self, given, options, size=None):
        """What `validation_data` means: a stream, a data set of rows, or (x, y[, sample_weight])."""
        if stream_kind(given) is not None or is_row_table(given):
            return self._source(given, options=options)
        if isinstance(given, (tuple, list)) and len(given) in (2, 3):
            return self._source(*given, options=options, size=size)
        raise ValueError(
            "validation_data is (x_val, y_val) or (x_val, y_val, sample_weight), or a generator, Sequence or loader of "
            "such batches."
        )

    def _run_over(self, kind, source, batch_size, seed=0):
        """A Run of the program for 'train', 'test' or 'predict' over `source`."""
        stream = isinstance(source, Stream)
        sample = source.sample if stream else source
        steps = self._forward_steps() if kind == "predict" else self._ready_steps(sample)
        if stream:
            return StreamRun(steps, kind, source, sample, seed)
        return Run(steps, kind, source, 32 if batch_size is None else batch_size, seed)

    # --- Rows held out ---

    def _held_out(self, data, fraction, split="last", groups=None):
        """(training rows, held-out rows) of an ArrayData.

        Args:
            fraction: `validation_split`.
            split: 'last' (the last rows, as in Keras), 'random', 'stratified', 'group'.
            groups: group of each row, for 'group'.
        """
        if isinstance(data, Stream):
            raise ValueError(
                "validation_split needs data whose rows are known; a stream of batches has none. Give validation_data."
            )
        if not 0 < fraction < 1:
            raise ValueError(f"validation_split must be a fraction between 0 and 1; got {fraction!r}.")
        if split in ("last", "time", None):
            at = int(data.rows * (1 - fraction))
            if at == 0 or at == data.rows:
                raise ValueError(f"validation_split={fraction} of {data.rows} rows leaves one part empty.")
            self._warn_of_lost_classes(data, at)
            rest, held_out = slice(0, at), slice(at, None)
        else:
            labels = self._labels(data) if split == "stratified" else None
            rest, held_out = splits.hold_out_rows(data.rows, fraction, split, labels, groups)
        return _part(data, rest), _part(data, held_out)

    def _labels(self, data):
        """Class of each row, by the first output that has classes.

        Raises:
            ValueError: none has.
        """
        for i, target in enumerate(data.targets):
            classes = self._classes_of(i, target)
            if classes is not None:
                return classes
        raise ValueError("split='stratified' needs classes: an output with a crossentropy loss. Use split='random'.")

    def _classes_of(self, i, target):
        """Class of each row in the targets of output `i`; None where they are no classes, or not at hand."""
        term = self._objectives.losses[i]
        if target is None or term is None or not (term.integer or "crossentropy" in str(term.name)):
            return None
        if is_column(target) and target.nbytes > 1 << 26:
            return None
        array = np.asarray(target)
        if array.ndim == 2 and array.shape[1] > 1:
            return array.argmax(1)
        array = array.reshape(len(array), -1)
        return array[:, 0] if array.shape[1] == 1 and (array == array.astype("int64")).all() else None

    def _warn_of_lost_classes(self, data, at):
        for i, target in enumerate(data.targets):
            classes = self._classes_of(i, target)
            if classes is None:
                continue
            lost = np.setdiff1d(classes[at:], classes[:at])
            if len(lost):
                warnings.warn(
                    f"validation_split sets the last {data.rows - at} rows aside, and with them every row of class "
                    f"{', '.join(str(int(c)) for c in lost[:10])}: the model cannot learn it. Shuffle the rows first, "
                    f"or say fit(..., split='stratified').",
                    stacklevel=5,
                )
                return


def _part(data, rows):
    cut = [[part_of(a, rows) for a in group] for group in (data.inputs, data.targets, data.weights)]
    part = ArrayData(*cut, form=data.form)
    part.may_stay = data.resident
    return part


def checked_batch_size(size, source):
    """`size` as a number of rows, 32 if None; None for a stream, whose batches are what they are."""
    if isinstance(source, Stream) and isinstance(source.source, Buckets):
        return None
    if isinstance(source, Stream):
        if size is not None:
            raise ValueError(
                f"batch_size={size!r}: the batches of a {type(source.source).__name__} are what it makes them. Leave "
                f"batch_size out, or tell the source."
            )
        return None
    return checked_rows(size)


def checked_rows(size):
    """`size` as a number of rows, 32 if None."""
    if size is None:
        return 32
    if isinstance(size, (bool, float)) or int(size) < 1:
        raise ValueError(f"batch_size must be a whole number of 1 or more; got {size!r}.")
    return int(size)


def checked_steps(what, steps):
    """A number of steps, or None.

    Raises:
        ValueError: it is no whole number of 1 or more.
    """
    if steps is None or (isinstance(steps, (int, np.integer)) and not isinstance(steps, bool) and steps >= 1):
        return None if steps is None else int(steps)
    if isinstance(steps, float) and steps >= 1:  # what `len(x) / batch_size` gives; classic Keras rounded up
        return int(np.ceil(steps))
    raise ValueError(f"{what} must be a whole number of batches, 1 or more; got {steps!r}.")


def close(*sources):
    """End the processes that make batches for these streams; arrays need nothing."""
    for source in sources:
        if isinstance(source, Stream):
            source.close()


def warn_of_dry(run, epoch, wanted):
    """Say that the data of a fit has run out."""
    asked = f"epoch {epoch + 1} wanted {wanted}" if wanted else f"nothing was left for epoch {epoch + 1}"
    warnings.warn(
        f"The data ran out after {run.data.position} batches; {asked}. Training stops here, with what was learned. "
        f"Let the generator run `while True`, or ask for fewer batches (steps_per_epoch * epochs).",
        stacklevel=3,
    )


def real_rows(outputs, rows):
    """The rows that are real out of stacked steps (S, B, ...), one after the other."""
    full = outputs.shape[1]
    if (rows[:-1] == full).all():
        return outputs.reshape(-1, *outputs.shape[2:])[: int(rows.sum())]
    return np.concatenate([step[:count] for step, count in zip(outputs, rows)])


def in_order(source, outputs, run):
    """Outputs in the order of the rows that came, where batches took them in another."""
    if run.lengths is not None:
        places = np.argsort(order_by_length(run.lengths, run.batch_size, False))
        return [output[places] for output in outputs]
    if not isinstance(source, Stream) or not isinstance(source.source, Buckets):
        return outputs
    places = np.argsort(source.source.order)
    return [output[places] for output in outputs]


def joined(parts):
    """Outputs of a prediction, chunk after chunk.

    Raises:
        ValueError: their shapes differ.
    """
    shapes = {part.shape[1:] for part in parts}
    if len(shapes) > 1:
        raise ValueError(
            f"The batches give outputs of different shapes ({', '.join(map(str, sorted(shapes)))}), which make no one "
            f"array. Predict batch by batch: [model.predict_on_batch(x) for x in batches]."
        )
    return parts[0] if len(parts) == 1 else np.concatenate(parts)

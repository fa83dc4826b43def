"""fit_generator and its sisters: the classic names for training on a stream, in the spelling of Keras 1 as well."""

import itertools

from hornbeam import nest
from hornbeam.legacy import METHOD_ARGUMENTS, tell_renamed
from hornbeam.training.sources.streams import stream_kind


class Generators:
    """fit_generator, evaluate_generator, predict_generator."""

    def fit_generator(
        self, generator, steps_per_epoch=None, epochs=1, verbose=1, callbacks=None, validation_data=None,
        validation_steps=None, class_weight=None, max_queue_size=10, workers=1, use_multiprocessing=False,
        shuffle=True, initial_epoch=0, **kwargs,
    ):  # fmt: skip
        """Train on a stream of batches; what `fit` does with a generator or Sequence.

        Args:
            generator: generator or Sequence of (x, y) or (x, y, sample_weight).
            steps_per_epoch: batches an epoch; None for all batches of a Sequence.
            validation_data: a generator or Sequence, or arrays.
            validation_steps: batches of it, if it is a generator.
            max_queue_size: how many batches are made ahead, 10.
            workers: threads (or processes) that make the batches of a Sequence, 1; 0 for this thread.
            use_multiprocessing: spawned processes instead of threads?
            shuffle: the batches of a Sequence in a new order every epoch?
            epochs, verbose, callbacks, class_weight, initial_epoch: as for `fit`.
            kwargs: further arguments of `fit`; Keras 1's `samples_per_epoch`, `nb_epoch`, `nb_val_samples`,
                `nb_worker`, `max_q_size`, `pickle_safe`.

        Raises:
            ValueError: a generator without a number of steps, which would never end an epoch.
        """
        given = {
            "steps_per_epoch": steps_per_epoch, "epochs": epochs, "validation_steps": validation_steps,
            "max_queue_size": max_queue_size, "workers": workers, "use_multiprocessing": use_multiprocessing,
        }  # fmt: skip
        rest, old = modern("fit_generator", kwargs)
        given.update({name: rest.pop(name) for name in list(rest) if name in given})
        if "samples_per_epoch" in old:
            generator, given["steps_per_epoch"] = _batches(generator, given["steps_per_epoch"])
        if "nb_val_samples" in old:
            validation_data, given["validation_steps"] = _batches(validation_data, given["validation_steps"])
        _need_steps("fit_generator", "steps_per_epoch", generator, given["steps_per_epoch"])
        _need_steps("fit_generator", "validation_steps", validation_data, given["validation_steps"])
        return self.fit(
            generator, verbose=verbose, callbacks=callbacks, validation_data=validation_data, shuffle=shuffle,
            class_weight=class_weight, initial_epoch=initial_epoch, **given, **rest,
        )  # fmt: skip

    def evaluate_generator(
        self, generator, steps=None, max_queue_size=10, workers=1, use_multiprocessing=False, verbose=0, **kwargs,
    ):  # fmt: skip
        """Loss and metrics over a stream of batches; each batch counts by its rows. Arguments as for
        :meth:`fit_generator`; `callbacks` and `return_dict` as for `evaluate`.
        """
        return self._over_generator(
            "evaluate", generator, kwargs, {"steps": steps, "max_queue_size": max_queue_size, "workers": workers,
                                            "use_multiprocessing": use_multiprocessing, "verbose": verbose},
        )  # fmt: skip

    def predict_generator(
        self, generator, steps=None, max_queue_size=10, workers=1, use_multiprocessing=False, verbose=0, **kwargs,
    ):  # fmt: skip
        """Outputs for a stream of batches of x, or of (x, y), whose y is not looked at. Arguments as for
        :meth:`fit_generator`.
        """
        return self._over_generator(
            "predict", generator, kwargs, {"steps": steps, "max_queue_size": max_queue_size, "workers": workers,
                                           "use_multiprocessing": use_multiprocessing, "verbose": verbose},
        )  # fmt: skip

    def _over_generator(self, name, generator, kwargs, given):
        rest, old = modern(f"{name}_generator", kwargs)
        given.update(rest)
        if "val_samples" in old:
            generator, given["steps"] = _batches(generator, given["steps"])
        _need_steps(f"{name}_generator", "steps", generator, given["steps"])
        return getattr(self, name)(generator, **given)


def modern(owner, kwargs):
    """(arguments in today's names, old names that came); warns if there were any.

    Args:
        owner: the method's name.
        kwargs: its keyword arguments.
    """
    old = [name for name in kwargs if name in METHOD_ARGUMENTS]
    if not old:
        return kwargs, []
    found = {METHOD_ARGUMENTS.get(name, name): value for name, value in kwargs.items()}
    counts = " The old numbers count samples, the new ones batches." if "samples" in "".join(old) else ""
    tell_renamed(owner, old, [METHOD_ARGUMENTS[name] for name in old], counts)
    return found, old


def old_epochs(kwargs, epochs):
    """Number of epochs, which Keras 1 called `nb_epoch`; takes that name out of `kwargs`."""
    if "nb_epoch" not in kwargs:
        return epochs
    found, _ = modern("fit", {"nb_epoch": kwargs.pop("nb_epoch")})
    return found["epochs"]


def _batches(source, samples):
    """(source, number of batches that hold `samples` rows): the first batch says how many rows one has."""
    size = getattr(source, "batch_size", None)
    kind = stream_kind(source)
    if kind is None or samples is None:  # arrays, which were looked at whole
        return source, None
    if not size and kind == "generator":
        first = next(source)
        source = itertools.chain([first], source)
        size = _rows(first)
    elif not size:
        size = _rows(source[0]) if kind == "sequence" else _rows(next(iter(source)))
    return source, -(-int(samples) // int(size))


def _rows(batch):
    return len(nest.flatten(batch[0] if isinstance(batch, (tuple, list)) else batch)[0])


def _need_steps(owner, name, source, steps):
    if steps is None and stream_kind(source) == "generator":
        raise ValueError(
            f"{owner}: say how many batches to take from the generator: {name}=len(x) // batch_size, for example. Only "
            f"a Sequence knows how many it has."
        )

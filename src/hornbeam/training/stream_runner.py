"""Running a program over a stream: batches of one form are stacked, so that several steps are one trip."""

import warnings

import numpy as np

from hornbeam import backend as K
from hornbeam import nest
from hornbeam.training.runner import Chunk, Run

# Batches are stacked up to this size: a trip to the engine costs as much as computing on less, and a copy little.
STACKED_BYTES = 2 << 20
STACKED_STEPS = 32
# A pass of a source that does not say how long it is goes on until it ends; from here on it may be one without an end.
SUSPICIOUS_STEPS = 10_000


class StreamRun(Run):
    """Passes of a program over a stream of batches.

    Args:
        steps: the model's programs.
        kind: 'train', 'test' or 'predict'.
        stream: a Stream whose `prepare` gives ArrayData.
        sample: its first batch, prepared.
        seed: unsigned 32-bit number that random words of this pass start from.

    Attributes:
        batch_size: rows of the first batch.
    """

    def __init__(self, steps, kind, stream, sample, seed=0):
        super().__init__(steps, kind, sample, sample.rows, seed)
        self.data = self.stream = stream
        self.resident = False
        self._warned = False

    rows = None  # pyright: ignore[reportAssignmentType]

    @property
    def dry(self):
        """Did the last pass find too few batches?"""
        return self.stream.dry

    def steps_in_pass(self, count=None):
        """Number of steps: `count`, or those the source says a pass has; None if that is unknown."""
        return count or self.stream.batches

    steps_to_show = steps_in_pass

    def counts_steps(self, count=None):
        """Progress is counted in steps: how many rows will come nobody knows."""
        return True

    def pieces(self, shuffle, count, skip=0):
        """The pass as chunks: whatever batches of one form are there when the engine is free."""
        batches, first = self.stream.one_pass(count), 0
        try:
            held = next(batches, None)
            size = None  # rows that shorter batches are filled up to: those of the first batch of the pass
            while held is not None:
                self.sample = held
                self.program, self.may_pad = self.steps.program(self.kind, held, self.devices, self.batch_size)
                form = _form(held)
                size = max(size or 0, self.filled(held.rows)) if self.may_pad else held.rows
                most = _steps_stacked(held, size)
                group, held = [held], None
                while len(group) < most and self.stream.ready:
                    held = next(batches, None)
                    fits = held is not None and _form(held) == form
                    if not fits or (held.rows > size if self.may_pad else held.rows != size):
                        break
                    group.append(held)
                    held = None
                chunk = self._stacked(group, size, most)
                yield chunk if skip <= first else chunk.after(skip - first), first
                first += len(group)
                if first >= SUSPICIOUS_STEPS and not self._warned and self.steps_in_pass(count) is None:
                    self._warned = True
                    self._warn_of_no_end(first)
                if held is None:
                    held = next(batches, None)
        finally:
            batches.close()

    def _warn_of_no_end(self, done):
        option = "steps_per_epoch" if self.kind == "train" else "steps (of validation data: validation_steps)"
        warnings.warn(
            f"{type(self.stream.source).__name__} has given {done} batches and this pass has not ended yet. If it "
            f"never ends, neither does the pass: stop, and say how many batches one has, with {option}.",
            stacklevel=2,
        )

    def _stacked(self, group, size, most):
        """A chunk of `group`; it has `most` places, so that one program serves however many are filled."""
        counts = np.full(most, size, np.int32)
        counts[: len(group)] = [batch.rows for batch in group]
        given = [nest.flatten(batch.arrays()) for batch in group]

        def stack(*arrays):
            if most == 1 and len(arrays[0]) == size:
                return arrays[0][None]
            stacked = np.empty((most, size, *arrays[0].shape[1:]), arrays[0].dtype)
            for place, array in zip(stacked, arrays):
                place[: len(array)] = array
                place[len(array) :] = array[:1]
            return stacked

        flat = [K.engine.to_device(stack(*arrays)) for arrays in zip(*given)]
        arrays = nest.pack_like(group[0].arrays(), flat)
        return Chunk(arrays, None, counts if self.may_pad else None, counts, len(group))


def _form(batch):
    """What batches of one program and one stack have in common."""
    arrays = [(a.shape[1:], a.dtype) for a in nest.flatten(batch.arrays())]
    return repr(batch.form), [w is not None for w in batch.weights], arrays


def _steps_stacked(batch, rows):
    """How many places a stack of such batches has: a power of two."""
    fit = STACKED_BYTES // max(1, batch.nbytes * rows // max(batch.rows, 1))
    return 1 << max(0, min(STACKED_STEPS, fit).bit_length() - 1)

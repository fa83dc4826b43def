"""Running many steps: cutting an epoch into chunks, one trip to the engine and back for each."""

import contextlib
import functools
import time
from collections.abc import Iterator

import numpy as np

from hornbeam import backend as K
from hornbeam import nest
from hornbeam.training import splitting
from hornbeam.training.data import RESIDENT_BYTES, plan_epoch
from hornbeam.training.sources.buckets import power_of_two
from hornbeam.utils.interrupts import HeldBack
from hornbeam.utils.workers import Feed

REFRESH_S = 0.2  # a progress line is refreshed five times a second
LARGE_BYTES = 16 << 20  # of data and weights, that are worth making room for
FILLED_BYTES = 16 << 20  # of data, up to which it is filled up, so that other lengths share its program
QUIET_S = 1.0  # without one, a chunk still ends now and then, so that Ctrl-C is heard
LONG_S = 0.25  # a chunk beside whose scratch area free memory is given back
# For a single step, that go with the call. Moving them before it takes 50 microseconds an array, 100 to 400 of a large
# one; but a program whose rows are still on their way is carried out by a thread that maps blocks of more than 64 MB
# anew (`to_device`), and such rows may need one: a step of 32 images of 96 x 96 took 38 ms, 25 with rows in place.
FEW_BYTES = 2 << 20


class Run:
    """One pass of a program over a plan of batches.

    Args:
        steps: the model's programs.
        kind: 'train', 'test' or 'predict'.
        data: an ArrayData.
        batch_size: rows a step.
        seed: unsigned 32-bit number that random words of this pass start from.
    """

    def __init__(self, steps, kind, data, batch_size, seed=0):
        self.steps = steps
        self.kind = kind
        self.data = data
        self.sample = data  # whose form the program was made for
        self.batch_size = min(batch_size, data.rows)
        self.seed = np.uint32(seed)
        splitting.check_batch_size(steps.model, batch_size, data.rows)
        self.devices = steps.devices(kind, data, self.batch_size)
        self.program, self.may_pad = steps.program(kind, data, self.devices, self.batch_size)
        self.resident = data.resident and data.nbytes * len(self.devices) <= RESIDENT_BYTES  # a copy on each

    dry = False  # a stream may find too few batches
    took = 0.0  # seconds, the last chunk
    lengths = None  # of the rows, where batches are to hold rows of like length

    @property
    def rows(self):
        """Rows of a pass, None if that is unknown."""
        return self.data.rows

    def steps_in_pass(self, count=None):
        """Number of steps: `count`, or those of one pass; None if that is unknown."""
        return count or -(-self.data.rows // self.batch_size)

    def steps_to_show(self, count=None):
        """Number of steps that progress is counted in; None if it is counted in rows, or has no known end."""
        return count

    def counts_steps(self, count=None):
        """Is progress counted in steps, not in rows?"""
        return count is not None

    def chunks(self, shuffle=False, count=None, one_by_one=False, refresh_s=QUIET_S, skip=0):
        """Carry out the pass; yields (first step, number of real rows of each step, logs of the chunk).

        Args:
            shuffle: see `plan_epoch`.
            count: number of steps, if not one pass.
            one_by_one: a chunk a step, for callbacks that listen to batches.
            refresh_s: how long a chunk may take.
            skip: number of steps, from the first on, that are done already.
        """
        for chunk, offset in self.pieces(shuffle, count, skip):
            start = chunk.start
            while start < chunk.stop:
                length = 1 if one_by_one else self._length(chunk.stop - start, refresh_s)
                began = time.perf_counter()
                logs = self._finish(chunk, start, start + length)
                self.took = time.perf_counter() - began
                self._measure(length, self.took)
                yield offset + start, chunk.rows[start : start + length], logs
                start += length

    def pieces(self, shuffle, count, skip=0) -> Iterator[tuple["Chunk", int]]:
        """The pass as chunks, each with the number of the step that its first place is."""
        plan, counts = plan_epoch(self.data.rows, self.batch_size, shuffle, count, self.lengths)
        tail = None
        if counts is not None and not self.may_pad:
            plan, tail, counts = plan[:-1], plan[-1:, : counts[-1]], None
        plan, counts = self._shared_evenly(plan, counts)
        if skip < len(plan):
            yield from (self._resident if self.resident else self._fed)(plan, counts, skip)
        if tail is not None and skip <= len(plan):
            for chunk, _ in (self._resident if self.resident else self._fed)(tail, None, 0):
                yield chunk, len(plan)

    def _shared_evenly(self, plan, counts):
        """The plan with as many rows a step as all devices together can take, of which `counts` says what is real."""
        more = self.filled(self.batch_size) - plan.shape[1]
        if not more:
            return plan, counts
        counts = np.full(len(plan), plan.shape[1], np.int32) if counts is None else counts
        return np.pad(plan, ((0, 0), (0, more))), counts

    def filled(self, rows):
        """Rows of a batch that is filled up so that all devices have the same number of them, where that may be."""
        return rows + (-rows % len(self.devices) if self.devices and self.may_pad else 0)

    def _resident(self, plan, counts, skip):
        """One chunk: all rows are where the engine computes, and the plan says who goes when."""
        steps, room = len(plan), self.data.rows
        rows = np.full(steps, plan.shape[1]) if counts is None else counts
        single = steps == 1 and self.data.nbytes <= FEW_BYTES
        if not single and self.data.nbytes < FILLED_BYTES:
            more, room = power_of_two(steps) - steps, power_of_two(room)
            plan, counts = np.pad(plan, ((0, more), (0, 0))), None if counts is None else np.pad(counts, (0, more))
        if self.program not in self.steps.seconds_per_step:
            self._make_room(room, plan, counts)
        if single:
            arrays = self.data.arrays()
        else:
            arrays, plan = self.data.on_device(room), K.engine.to_device(plan)
            counts = None if counts is None else K.engine.to_device(counts)
        yield Chunk(arrays, plan, counts, rows, steps, skip), 0

    def _make_room(self, rows, plan, counts):
        """Before large data is copied, or a program takes up large weights: give back what preparing them left free,
        and have the compilation that is due behind us, so that neither lies beside the compiler's memory. Later fits
        put theirs where the last one's was.
        """
        state = self.steps.fixed(self.kind, self.seed), self.steps.state(self.kind)
        size = self.data.nbytes + sum(a.nbytes for a in nest.flatten(state) if hasattr(a, "nbytes"))
        if size < LARGE_BYTES:
            return
        K.engine.block_until_ready(state)  # first weights may still be copied to where the engine computes
        K.engine.give_memory_back(size // 2)
        K.engine.compile_ahead(self.program, *state, self.data.filled_up(rows), plan, counts, np.int32(0), np.int32(0))
        K.engine.give_memory_back(LARGE_BYTES)  # what reading a kept program left; compiling one gives back by itself

    def _fed(self, plan, counts, skip) -> Iterator[tuple["Chunk", int]]:
        """Chunks of stacked batches of one length, each made while the one before is computed."""
        most = min(self.data.chunk_steps(self.batch_size), len(plan) - skip)

        def stack(first):
            places = np.zeros((most, plan.shape[1]), plan.dtype)  # one program for all chunks: the last is filled up
            own = plan[first : first + most]
            places[: len(own)] = own
            rows = np.full(most, plan.shape[1], np.int32)
            if counts is not None:
                rows[: len(own)] = counts[first : first + most]
            arrays = nest.map_structure(K.engine.to_device, self.data.stacked(places))
            return Chunk(arrays, None, None if counts is None else rows, rows, len(own)), first

        feed = Feed([stack], range(skip, len(plan), most), ahead=1, what="piece of the data")
        try:
            yield from feed  # pyright: ignore[reportReturnType]
        finally:
            feed.close()

    def _length(self, left, refresh_s):
        """Steps that take about `refresh_s`; one at first, when nothing is measured and a compilation may be due."""
        seconds = self.steps.seconds_per_step.get(self.program)
        if seconds is None:
            return 1
        wanted = int(refresh_s / max(seconds, 1e-7))
        return left if wanted >= 0.75 * left else max(1, min(left, wanted))

    def _may_be_long(self, length):
        """Will a chunk of so many steps, or did the last one, take longer than LONG_S?"""
        return max(self.took, length * self.steps.seconds_per_step.get(self.program, 0)) > LONG_S

    def _measure(self, length, seconds):
        """Keep the time of a step. The first call compiles, so it only says that the next may be longer."""
        known = self.steps.seconds_per_step.get(self.program)
        if known is None:
            self.steps.seconds_per_step[self.program] = REFRESH_S / 8
        else:
            # A short chunk mostly measures the call itself; the lower figure is nearer the truth.
            self.steps.seconds_per_step[self.program] = min(seconds / length, 8 * known)

    def _finish(self, chunk, start, stop):
        # another program, if a variable that it took as constant was set
        self.program, _ = self.steps.program(self.kind, self.sample, self.devices, self.batch_size)
        fixed, state = self.steps.fixed(self.kind, self.seed), self.steps.state(self.kind)
        given = fixed, state, chunk.arrays, chunk.plan, chunk.counts, np.int32(start), np.int32(stop)
        with K.engine.giving_back_beside() if self._may_be_long(stop - start) else contextlib.nullcontext():
            first = self.program not in self.steps.seconds_per_step
            _, logs = carry_out(self.program, given, functools.partial(self.steps.adopt, self.kind), first)
        if self.kind == "predict":
            return [np.asarray(log)[start:stop] for log in logs]
        return np.asarray(logs)[start:stop]


def carry_out(program, given, adopt, first):
    """What a program that takes over its state's memory gives; its new state, which comes first, is with `adopt` then.

    Once the program starts the old state is gone, so Ctrl-C waits until the new one is in its place. It does not wait
    while the program is made, which may take minutes, nor for steps in plain Python, which assign one by one.

    Args:
        program: of `compile_steps` or `compile_epochs`, or a Python function like them.
        given: its arguments.
        adopt: function of the new state.
        first: is it the first time?
    """
    if first:
        K.engine.compile_ahead(program, *given)
    with HeldBack() if K.engine.is_compiled(program) else contextlib.nullcontext():
        result = program(*given)
        adopt(result[0])
    return result


class Chunk:
    """Steps that are ready to be carried out, all or some of them at a time.

    Args:
        arrays, plan, counts: what the compiled loop takes.
        rows: number of real rows of each step, on the host.
        stop: number of steps; what is behind only fills up.
        start: the first step to carry out.
    """

    def __init__(self, arrays, plan, counts, rows, stop, start=0):
        self.arrays = arrays
        self.plan = plan
        self.counts = counts
        self.rows = rows
        self.stop = stop
        self.start = start

    def after(self, steps):
        """The chunk without its first `steps` steps."""
        self.start = min(self.start + steps, self.stop)
        return self


class Averages:
    """Averages of reported numbers over the steps of an epoch, from their (sum, count) pairs, in double precision."""

    def __init__(self, latest=False):
        self.latest = latest  # the last step's numbers stand for all
        self.totals = None

    def add(self, logs):
        """Take in a chunk's logs (S, L, 2)."""
        if self.latest:
            self.totals, logs = None, logs[-1:]
        if len(logs) == 1:  # as below, in a third of the time
            only = logs[0].astype("float64")
            self.totals = only if self.totals is None else self.totals + only
            return
        if self.totals is not None:  # added up step by step, so that the cut into chunks cannot be seen in the sum
            logs = np.concatenate([self.totals[None], logs])
        self.totals = logs.sum(axis=0, dtype="float64")

    def values(self, names):
        """Dict of the averages so far."""
        if self.totals is None:
            return {}
        sums, counts = self.totals[:, 0], self.totals[:, 1]
        return dict(zip(names, (sums / np.maximum(counts, 1e-12)).tolist(), strict=True))


def step_values(logs, names):
    """Values of a single step from its logs (1, L, 2)."""
    averages = Averages()
    averages.add(logs)
    return averages.values(names)


def metric_value(metric):
    """Result of a metric object: a number, or a list of numbers (one a threshold or class)."""
    return np.asarray(metric.result()).tolist()


def new_seed():
    """Start of a pass's random numbers, from NumPy's global generator, so that one seed fixes everything."""
    return np.random.randint(0, 2**31 - 1)

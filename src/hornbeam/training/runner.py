"""Running many steps: cutting an epoch into chunks, one trip to the engine and back for each."""

import itertools
import time

import numpy as np

from hornbeam import backend as K
from hornbeam.training.data import plan_epoch

REFRESH_S = 0.2  # a progress line is refreshed five times a second
QUIET_S = 1.0  # without one, a chunk still ends now and then, so that Ctrl-C is heard


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
        self.batch_size = min(batch_size, data.rows)
        self.seed = np.uint32(seed)
        self.shards = steps.shards(kind, data, self.batch_size)
        self.program, self.may_pad = steps.program(kind, data, self.shards)
        self.resident = data.resident and self.shards == 1

    def chunks(self, shuffle=False, count=None, one_by_one=False, refresh_s=QUIET_S, skip=0):
        """Carry out the pass; yields (first step, number of real rows of each step, logs of the chunk).

        Args:
            shuffle: see `plan_epoch`.
            count: number of steps, if not one pass.
            one_by_one: a chunk a step, for callbacks that listen to batches.
            refresh_s: how long a chunk may take.
            skip: number of steps, from the first on, that are done already.
        """
        plan, counts = plan_epoch(self.data.rows, self.batch_size, shuffle, count)
        tail = None
        if counts is not None and not self.may_pad:
            plan, tail, counts = plan[:-1], plan[-1:, : counts[-1]], None
        yield from self._over(plan, counts, 0, one_by_one, refresh_s, skip)
        if tail is not None and skip <= len(plan):
            yield from self._over(tail, None, len(plan), one_by_one, refresh_s)

    def _over(self, plan, counts, offset, one_by_one, refresh_s, skip=0):
        total, start = len(plan), min(skip, len(plan))
        on_device = self._resident_call(plan, counts) if self.resident and start < total else None
        while start < total:
            length = 1 if one_by_one else self._length(total - start, refresh_s)
            began = time.perf_counter()
            if on_device is not None:
                logs = on_device(start, start + length)
            else:
                length = min(length, self.data.chunk_steps(self.batch_size))
                logs = self._fed_call(plan[start : start + length], counts, start)
            self._measure(length, time.perf_counter() - began)
            rows = np.full(length, plan.shape[1]) if counts is None else counts[start : start + length]
            yield offset + start, rows, logs
            start += length

    def _length(self, left, refresh_s):
        """Steps that take about `refresh_s`; one at first, when nothing is measured and a compilation may be due."""
        seconds = self.steps.seconds_per_step.get(self.program)
        if seconds is None:
            return 1
        wanted = int(refresh_s / max(seconds, 1e-7))
        return left if wanted >= 0.75 * left else max(1, min(left, wanted))

    def _measure(self, length, seconds):
        """Keep the time of a step. The first call compiles, so it only says that the next may be longer."""
        known = self.steps.seconds_per_step.get(self.program)
        if known is None:
            self.steps.seconds_per_step[self.program] = REFRESH_S / 8
        else:
            # A short chunk mostly measures the call itself; the lower figure is nearer the truth.
            self.steps.seconds_per_step[self.program] = min(seconds / length, 8 * known)

    def _resident_call(self, plan, counts):
        arrays = self.data.on_device()
        plan = K.engine.to_device(plan)
        counts = None if counts is None else K.engine.to_device(counts)

        def call(start, stop):
            return self._finish(arrays, plan, counts, np.int32(start), np.int32(stop), slice(start, stop))

        return call

    def _fed_call(self, plan, counts, start):
        arrays = self.data.stacked(plan)
        counts = None if counts is None else counts[start : start + len(plan)]
        return self._finish(arrays, None, counts, np.int32(0), np.int32(len(plan)), slice(None))

    def _finish(self, arrays, plan, counts, start, stop, rows):
        # another program, if a variable that it took as constant was set
        self.program, _ = self.steps.program(self.kind, self.data, self.shards)
        fixed, state = self.steps.fixed(self.kind, self.seed), self.steps.state(self.kind)
        made = []
        try:
            # The old state is gone once the program starts. Carried out without a line of Python in between, the new
            # one is in `made` before Ctrl-C is heard.
            made.extend(itertools.starmap(self.program, [(fixed, state, arrays, plan, counts, start, stop)]))
        finally:
            if made:
                self.steps.adopt(self.kind, made[0][0])
        logs = made[0][1]
        if self.kind == "predict":
            return [np.asarray(log)[rows] for log in logs]
        return np.asarray(logs)[rows]


class Averages:
    """Averages of reported numbers over the steps of an epoch, from their (sum, count) pairs, in double precision."""

    def __init__(self, latest=False):
        self.latest = latest  # the last step's numbers stand for all
        self.totals = None

    def add(self, logs):
        """Take in a chunk's logs (S, L, 2)."""
        if self.latest:
            logs = logs[-1:]
        elif self.totals is not None:  # added up step by step, so that the cut into chunks cannot be seen in the sum
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

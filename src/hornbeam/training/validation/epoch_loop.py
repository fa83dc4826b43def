"""Whole trainings in one program: epochs of training steps, validation after each, and any choice of rows for both."""

import functools
import time

import numpy as np

from hornbeam import backend as K
from hornbeam import nest
from hornbeam.training.data import plan_epoch
from hornbeam.training.logs import MetricDict
from hornbeam.training.runner import Averages, carry_out

MOST_NUMBERS = 1 << 21  # of plans, and of logs, that are handed over at a time


class EpochLoop:
    """The program that trains one model on rows chosen anew for each training.

    Rows are chosen by plans into whole arrays, and how many steps a plan has is an argument. So parts of any size are
    the same program, and a training of many epochs is a few calls of it.

    Args:
        model: compiled and built.
        steps: its programs.
        data: pair of ArrayData, for training and for validation; they differ in weights at most.
        sizes: pair of rows a step.
        epochs: most epochs of a training.
    """

    def __init__(self, model, steps, data, sizes, epochs):
        self.model, self.steps, self.data, self.sizes = model, steps, data, sizes
        self.may_pad = [
            steps.program(kind, part, rows=size)[1] for kind, part, size in zip(("train", "test"), data, sizes)
        ]
        self.lengths = [-(-data[0].rows // size) for size in sizes]
        numbers = self.lengths[0] * max(sizes[0], 2 * self._reported())
        self.block = max(1, min(epochs, MOST_NUMBERS // numbers))
        self.seconds_per_step = None
        self._run = None

    def _reported(self):
        return len(self.steps.log_names.get("train", ())) or 1

    def fits(self, *counts):
        """Can trainings on `counts` rows, one for training and one for validation, run without a program of their own?

        A short last batch must be padded, which some losses and layers forbid.
        """
        return all(pad or n % size == 0 for pad, n, size in zip(self.may_pad, counts, self.sizes))

    def train(self, arrays, rows, held_out, epochs, seed, shuffle=True, refresh_s=1.0):
        """Train for `epochs`, from the weights and the optimizer's state as they are; yields the logs of each epoch.

        Args:
            arrays: pair of the data's arrays on the device.
            rows: numbers of the rows to train on. held_out: of those to validate on; may be empty.
            seed: of random layers, as for `Run`.
            shuffle: as for `fit`.
            refresh_s: how long a call of the program may take.
        """
        test_plan, test_count = self._padded(*plan_epoch(len(held_out), self.sizes[1]), held_out, 1)
        test_steps = -(-len(held_out) // self.sizes[1])
        train_steps = -(-len(rows) // self.sizes[0])
        self.model._reset_metrics()
        first = [K.get_value(v) for v in self.steps.metric_variables]
        for begin in range(0, epochs, self.block):
            count = min(self.block, epochs - begin)
            made = [self._padded(*plan_epoch(len(rows), self.sizes[0], shuffle), rows, 0) for _ in range(count)]
            plan = np.zeros((self.block, self.lengths[0], self.sizes[0]), np.int32)
            plan[:count] = [one for one, _ in made]
            given = nest.map_structure(K.engine.to_device, {"plans": (plan, test_plan)})
            valid = (made[0][1], test_count)
            done = 0
            while done < count:
                length = self._length(count - done, refresh_s)
                began = time.perf_counter()
                steps = (np.int32(train_steps), np.int32(test_steps))
                logs, kept = self._call(arrays, given["plans"], valid, steps, done, done + length, seed, first)
                self._measure(length, time.perf_counter() - began)
                for epoch in range(done, done + length):
                    yield self._numbers(logs, kept, epoch, train_steps, test_steps)
                done += length
        self.model._reset_metrics()

    def _padded(self, plan, counts, rows, which):
        """A plan over `rows`, as long as plans of all rows are, and how many rows of each step are real."""
        whole = np.zeros((self.lengths[which], self.sizes[which]), np.int32)
        if len(rows):
            whole[: len(plan)] = rows[plan]
        if not self.may_pad[which] or self.sizes[which] == 1:
            return whole, None
        real = np.full(self.lengths[which], self.sizes[which], np.int32)
        if counts is not None:
            real[: len(counts)] = counts
        return whole, real

    def _length(self, left, refresh_s):
        if self.seconds_per_step is None:
            return 1
        wanted = int(refresh_s / max(self.seconds_per_step, 1e-7))
        return left if wanted >= 0.75 * left else max(1, min(left, wanted))

    def _measure(self, length, seconds):
        """Seconds an epoch takes; the first call compiles, so it only says that the next may be longer."""
        known = self.seconds_per_step
        self.seconds_per_step = 0.025 if known is None else min(seconds / length, 8 * known)

    # --- The program ---

    def _call(self, arrays, plans, valid, steps, start, stop, seed, first):
        if self.steps.captured.changed():  # a variable was set that the program took as a constant
            self.steps._programs.clear()
            self._run = None
        if self._run is None:
            self._run = K.engine.compile_epochs(self._train, self._test, self._turn)
        self.model._reset_metrics()
        fixed = {**self.steps.fixed("train", np.uint32(seed)), "first": first}
        call = fixed, self.steps.state("train"), arrays, plans, valid, steps, np.int32(start), np.int32(stop)
        first = self.seconds_per_step is None
        _, logs, kept = carry_out(self._run, call, functools.partial(self.steps.adopt, "train"), first)
        return [np.asarray(log) for log in logs], [[np.asarray(v) for v in values] for values in kept]

    def _of_form(self, which):
        data = self.data[which]
        self.steps._form, self.steps._weighted = data.form, [w is not None for w in data.weights]
        return self.steps

    def _train(self, fixed, state, batch, valid):
        return self._of_form(0)._train_step(fixed, state, batch, valid)

    def _test(self, fixed, state, batch, valid):
        steps = self._of_form(1)
        carried = dict(zip(steps._carried("train"), state["carried"], strict=True))
        read = {
            "seed": np.uint32(0), "captured": fixed["captured"], "hyper": fixed["hyper"],
            "weights": [*state["weights"], *(carried[v] for v in steps.others)],
        }  # fmt: skip
        found, logs = steps._test_step(read, {"carried": [carried[v] for v in steps._carried("test")]}, batch, valid)
        carried.update(zip(steps._carried("test"), found["carried"], strict=True))
        return {**state, "carried": [carried[v] for v in steps._carried("train")]}, logs

    def _turn(self, fixed, state):
        """The metrics' variables at the end of a pass, which start anew."""
        carried = dict(zip(self.steps._carried("train"), state["carried"], strict=True))
        kept = [carried[v] for v in self.steps.metric_variables]
        carried.update(zip(self.steps.metric_variables, fixed["first"], strict=True))
        return {**state, "carried": [carried[v] for v in self.steps._carried("train")]}, kept

    def _numbers(self, logs, kept, epoch, train_steps, test_steps):
        """The logs of an epoch, in the order of `fit`."""
        found = MetricDict()
        for kind, prefix, steps, log, values in zip(
            ("train", "test"), ("", "val_"), (train_steps, test_steps), logs, kept, strict=True
        ):
            if not steps:
                continue
            averages = Averages()
            averages.add(log[epoch, :steps])
            for variable, value in zip(self.steps.metric_variables, values, strict=True):
                variable.assign(value[epoch])
            numbers = self.model._values(averages, self.steps.log_names[kind])
            found.update((prefix + name, value) for name, value in numbers.items())
        return found

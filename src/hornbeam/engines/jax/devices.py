"""Several devices that share one batch: the cores of a CPU, or GPUs.

A step is compiled as one program for all of them. Its batch lies on them by rows and its state is the same on each; the
compiler follows from there which parts each computes and where they must meet, so a split step is the whole step, to
rounding, whatever it does with its rows. Random numbers follow from positions in the whole batch and do not change.

Loops of small operations, such as recurrent layers make, leave cores of a CPU idle; docs/decisions/0014 has the times.
"""

import contextlib
import functools
import os
import threading
import warnings
import weakref

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from hornbeam.engines.jax.tensors import accelerated
from hornbeam.engines.jax.transforms import compile_function
from hornbeam.host_cores import usable_cores

# More have not been measured. That a process has them costs programs for one device nothing; docs/decisions/0021.
UNASKED_DEVICES = 2
_cores_of_ours = []  # names of them, where nobody said how many devices the CPU shall be
_AXIS = "rows"
_tracing = threading.local()  # `split`: the Split whose program is being made


def asked_devices():
    """What `HORNBEAM_CPU_DEVICES` says: how many devices the CPU shall be; None if it says nothing."""
    asked = os.environ.get("HORNBEAM_CPU_DEVICES")
    if asked is None:
        return None
    if not asked.isdigit() or int(asked) < 1:
        raise ValueError(
            f"The environment variable HORNBEAM_CPU_DEVICES is a number of cores from 1 on; got {asked!r}."
        )
    return int(asked)


def announce_devices():
    """Tell the engine how many devices the CPU shall be, which it takes only before it has started.

    Unasked, it is told nothing if it was told by somebody else, or if it has started.
    """
    asked = asked_devices()
    if asked is None and usable_cores() >= UNASKED_DEVICES and not _told_by_others():
        with contextlib.suppress(RuntimeError):
            jax.config.update("jax_num_cpu_devices", UNASKED_DEVICES)
            _cores_of_ours.extend(f"cpu:{i}" for i in range(UNASKED_DEVICES))
    elif asked is not None and asked > 1:
        try:
            jax.config.update("jax_num_cpu_devices", asked)
        except RuntimeError as error:
            warnings.warn(
                f"HORNBEAM_CPU_DEVICES has no effect, because jax computed something before hornbeam was imported "
                f"({error}). Import hornbeam first.",
                stacklevel=2,
            )


def _told_by_others():
    by_flag = "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", "")
    return by_flag or jax.config.jax_num_cpu_devices >= 0


def _unasked():
    """Names of the cores that are devices though nobody asked, unless jax was told otherwise after that."""
    return _cores_of_ours if len(jax.local_devices(backend="cpu")) == UNASKED_DEVICES else []


def device_names(kind=None):
    """Names such as 'cpu:0' of this process's devices: those of `kind`, or all, the fastest first.

    Cores that nobody asked to be devices are not among them: code for several GPUs finds one CPU, as in Keras.
    """
    kinds = list(dict.fromkeys([jax.default_backend(), "cpu"]))
    found = [f"{k}:{i}" for k in kinds for i in range(len(jax.local_devices(backend=k)))]
    hidden = _unasked()[1:]
    return [name for name in found if name not in hidden and (kind is None or name.startswith(f"{kind}:"))]


@functools.cache
def idle_cores():
    """Names of the devices that are cores of this CPU, if there are several; none where something faster computes."""
    names = [] if accelerated() else _unasked() or device_names("cpu")[: asked_devices() or 1]
    return tuple(names) if len(names) > 1 else ()


@contextlib.contextmanager
def _made_for(split):
    """What is traced within is for the devices of this :class:`Split`, or for one if it is None."""
    before = getattr(_tracing, "split", None)
    _tracing.split = split
    try:
        yield
    finally:
        _tracing.split = before


def _device(name):
    kind, number = name.split(":")
    return jax.local_devices(backend=kind)[int(number)]


class Split:
    """How arrays lie on several devices.

    Args:
        names: of the devices, as `device_names` gives them.
    """

    def __init__(self, names):
        self.mesh = Mesh(np.array([_device(name) for name in names]), (_AXIS,))
        self.count = len(names)
        self.copied = NamedSharding(self.mesh, PartitionSpec())
        self._by_rows = NamedSharding(self.mesh, PartitionSpec(_AXIS))
        self._by_rows_of_steps = NamedSharding(self.mesh, PartitionSpec(None, _AXIS))
        self._home = jax.local_devices()[0]
        self._others = {}  # id of an array that everybody sees -> (weak reference to it, its copies elsewhere)

    def compile(self, run):
        """`run` of `compile_steps` for these devices; takes and gives arrays of the first one."""
        program = compile_function(run, donate=(1,), placed=(self.copied, None))

        def call(fixed, state, data, plan, valid, start, stop):
            fixed, state, valid, start, stop = self._spread((fixed, state, valid, start, stop))
            if plan is None:
                data = jax.device_put(data, self._of_stacked(jax.tree.leaves(data)[0].shape[1]))
            else:
                data, plan = self._spread(data), jax.device_put(plan, self._of_stacked(plan.shape[1]))
            state, logs = program(fixed, state, data, plan, valid, start, stop)
            return jax.tree.map(self._seen, state), logs

        def lower(fixed, state, data, plan, *rest):
            by_steps = self._of_stacked((jax.tree.leaves(data)[0] if plan is None else plan).shape[1])
            fixed, state, rest = _forms((fixed, state, rest), self.copied)
            data = _forms(data, by_steps if plan is None else self.copied)
            return program.lower(fixed, state, data, _forms(plan, by_steps), *rest)

        call.lower = lower  # as that of a program for one device
        return call

    def _of_stacked(self, rows):
        return self.copied if rows % self.count else self._by_rows_of_steps

    def run(self, step, fixed, state, batch, valid):
        """Result of `step`, see `compile_steps`, within a program: each device has its rows of `batch`, or all of them
        if they cannot be shared evenly, and the whole new state."""
        rows = jax.tree.leaves(batch)[0].shape[0]
        batch = jax.lax.with_sharding_constraint(batch, self.copied if rows % self.count else self._by_rows)
        with _made_for(self):
            state, logs = step(fixed, state, batch, valid)
        return jax.lax.with_sharding_constraint(state, self.copied), logs

    # Between calls everybody sees arrays of one device. Those on the others are kept beside them, for as long as they
    # are there: a call of one step would take longer to spread a large state than to compute.

    def _seen(self, array):
        seen, *others = _parts(array)
        if seen.device != self._home:
            return jax.device_put(seen, self._home)
        self._keep(seen, others)
        return seen

    def _keep(self, seen, others):
        key = id(seen)
        self._others[key] = (weakref.ref(seen, lambda _: self._others.pop(key, None)), others)

    def _spread(self, tree):
        return jax.tree.map(self._spread_one, tree)

    def _spread_one(self, array):
        if id(array) in self._others:
            parts = [array, *self._others[id(array)][1]]
            return jax.make_array_from_single_device_arrays(array.shape, self.copied, parts)
        copies = jax.device_put(array, self.copied)
        if isinstance(array, jax.Array) and array.device == self._home:
            self._keep(array, _parts(copies)[1:])
        return copies


def _forms(tree, sharding):
    """What a program is made for: arrays' shapes and types, and how they will lie on the devices."""

    def one(array):
        form = jax.typeof(array)
        return jax.ShapeDtypeStruct(form.shape, form.dtype, sharding=sharding, weak_type=form.weak_type)

    return jax.tree.map(one, tree)


def _parts(array):
    return [shard.data for shard in array.addressable_shards]


def on_all_devices(tree):
    """Arrays that every device that the step is split over shall have as a whole before it goes on.

    Without it, what is computed from them may be divided, too, and its parts fetched one after another.
    """
    split = getattr(_tracing, "split", None)
    return tree if split is None else jax.lax.with_sharding_constraint(tree, split.copied)


def each_its_rows(function, by_rows, whole):
    """`function(by_rows, whole)`, of whose result each row follows from the same row of `by_rows`. Where a step is
    split, each device computes its rows as if there were no others.

    For loops whose ends depend on data: devices need not agree on them, and gradients of what is in `whole` are added
    up once, after the loops.
    """
    split = getattr(_tracing, "split", None)
    if split is None or jax.tree.leaves(by_rows)[0].shape[0] % split.count:
        return function(by_rows, whole)

    def alone(by_rows, whole):
        with _made_for(None):
            return function(by_rows, whole)

    rows, copied = PartitionSpec(_AXIS), PartitionSpec()
    return jax.shard_map(alone, mesh=split.mesh, in_specs=(rows, copied), out_specs=rows, check_vma=False)(
        by_rows, whole
    )


def is_split():
    """Is a program for several devices being made?"""
    return getattr(_tracing, "split", None) is not None


@functools.cache
def split_over(names):
    """The :class:`Split` over devices with these names, one for all programs, since they hand each other arrays."""
    return Split(names)

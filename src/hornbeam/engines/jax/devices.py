"""The cores of one CPU as devices: a batch split over them, each part walked by a program of its own.

Loops of small operations, such as recurrent layers make, leave cores idle. With the batch split over two cores a
bidirectional LSTM took 0.93 of its time a step and a GRU 0.95, but a process whose CPU is two devices trains a
convolutional network, which is not split, 1.06 times as long, and loops under 3 ms a step take longer split than whole
(benchmarks/NOTES.md). So it is the user's choice: ``HORNBEAM_CPU_DEVICES=2``.
"""

import functools
import os
import warnings

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from hornbeam.engines.jax.tensors import accelerated
from hornbeam.engines.jax.transforms import _CPU_OPTIONS

_AXIS = "rows"


def _wanted_devices():
    asked = os.environ.get("HORNBEAM_CPU_DEVICES", "1")
    if not asked.isdigit() or int(asked) < 1:
        raise ValueError(
            f"The environment variable HORNBEAM_CPU_DEVICES is a number of cores from 1 on; got {asked!r}."
        )
    return int(asked)


def announce_devices():
    """Tell the engine how many devices the CPU shall be, which it takes only before it has started.

    A program that has used the engine already keeps what it has.
    """
    if _wanted_devices() > 1:
        try:
            jax.config.update("jax_num_cpu_devices", _wanted_devices())
        except RuntimeError as error:
            warnings.warn(
                f"HORNBEAM_CPU_DEVICES has no effect, because jax computed something before hornbeam was imported "
                f"({error}). Import hornbeam first.",
                stacklevel=2,
            )


@functools.cache
def step_devices():
    """How many devices a batch may be split over: cores of this CPU. 1 where something faster than a CPU computes."""
    return 1 if accelerated() else min(_wanted_devices(), len(jax.local_devices(backend="cpu")))


def sum_over_shards(x):
    """`x`, an array or a nest of them, summed over the parts of a split batch; one meeting of the devices for all."""
    return jax.lax.psum(x, _AXIS)


def shard_number():
    """Which part of a split batch is computed, from 0; traced."""
    return jax.lax.axis_index(_AXIS)


def split_over_devices(run, shards):
    """The loop `run` of `compile_steps` over stacked batches, compiled so that each device walks its rows of each.

    The state lives on the first device between calls and is spread to the others for each: a call is many steps.
    """
    mesh = Mesh(np.array(jax.local_devices(backend="cpu")[:shards]), (_AXIS,))
    everywhere, by_rows = PartitionSpec(), PartitionSpec(None, _AXIS)

    def local(fixed, state, data, valid, start, stop):
        return run(fixed, state, data, None, valid, start, stop)

    mapped = jax.shard_map(
        local,
        mesh=mesh,
        in_specs=(everywhere, everywhere, by_rows, everywhere, everywhere, everywhere),
        out_specs=everywhere,
        check_vma=False,  # a step's own arithmetic makes its results equal on all devices
    )
    compiled = jax.jit(mapped, donate_argnums=(1,), compiler_options=_CPU_OPTIONS)
    copied, split = NamedSharding(mesh, everywhere), NamedSharding(mesh, by_rows)

    def call(fixed, state, data, plan, valid, start, stop):
        fixed, state, valid, start, stop = jax.device_put((fixed, state, valid, start, stop), copied)
        found = compiled(fixed, state, jax.device_put(data, split), valid, start, stop)
        return jax.tree.map(lambda a: a.addressable_data(0), found)

    return call

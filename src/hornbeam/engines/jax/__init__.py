"""The JAX engine: the primitive words, compiled by XLA. Speed lives here; see docs/decisions for what was measured."""

from hornbeam.engines.jax import devices, memory, program_cache

memory.tune_allocator()  # before the first large allocation; see the module for what it buys
memory.carry_out_at_once()  # before the engine starts, and so is what follows
devices.announce_devices()
program_cache.keep_programs()  # before it compiles

from hornbeam.engines.jax.compilations import compilations, compile_ahead, is_compiled  # noqa: E402
from hornbeam.engines.jax.convolution import *  # noqa: E402, F403
from hornbeam.engines.jax.ctc import *  # noqa: E402, F403
from hornbeam.engines.jax.devices import device_names, idle_cores, on_all_devices  # noqa: E402
from hornbeam.engines.jax.export import *  # noqa: E402, F403
from hornbeam.engines.jax.look_ups import *  # noqa: E402, F403
from hornbeam.engines.jax.loop import *  # noqa: E402, F403
from hornbeam.engines.jax.math import *  # noqa: E402, F403
from hornbeam.engines.jax.memory import give_back as give_memory_back  # noqa: E402
from hornbeam.engines.jax.memory import giving_back_beside  # noqa: E402
from hornbeam.engines.jax.nn import *  # noqa: E402, F403
from hornbeam.engines.jax.normalization import *  # noqa: E402, F403
from hornbeam.engines.jax.pooling import *  # noqa: E402, F403
from hornbeam.engines.jax.random import *  # noqa: E402, F403
from hornbeam.engines.jax.recurrent import *  # noqa: E402, F403
from hornbeam.engines.jax.tensors import *  # noqa: E402, F403
from hornbeam.engines.jax.transforms import *  # noqa: E402, F403

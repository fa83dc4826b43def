"""Every form of a convolution, shape by shape, inside the loop of training and outside it.

    python benchmarks/convolution_formulations.py            # all shapes
    python benchmarks/convolution_formulations.py 0 3        # some of them

Prints milliseconds, minima of interleaved runs. No peers: this is not one of the published claims.
"""

import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from hornbeam.engines.jax import convolution
from hornbeam.engines.jax.transforms import compile_function
from hornbeam.engines.jax.windows import geometry

# batch, sizes, channels, filters, window, stride, dilation
SHAPES = [
    (32, (32, 32), 3, 32, 3, 1, 1),
    (32, (28, 28), 1, 32, 3, 1, 1),
    (32, (16, 16), 32, 64, 3, 1, 1),
    (32, (32, 32), 16, 16, 3, 1, 1),
    (8, (56, 56), 64, 64, 3, 1, 1),
    (8, (28, 28), 128, 128, 3, 1, 1),
    (8, (14, 14), 256, 256, 3, 1, 1),
    (8, (7, 7), 512, 512, 3, 1, 1),
    (8, (56, 56), 128, 128, 3, 2, 1),
    (8, (14, 14), 512, 512, 3, 2, 1),
    (8, (224, 224), 3, 64, 7, 2, 1),
    (8, (28, 28), 64, 64, 3, 1, 2),
    (32, (400,), 50, 250, 3, 1, 1),
    (32, (500,), 128, 128, 5, 1, 1),
    (32, (200,), 64, 64, 2, 1, 4),
    (8, (16, 16, 16), 4, 16, 3, 1, 1),
    (4, (12, 12, 12), 32, 32, 3, 2, 1),
    (32, (10, 12, 12), 24, 24, 3, 1, 1),
    (32, (16, 16), 64, 32, 3, 1, 1),
]
ROUNDS, SECONDS_A_RUN = 8, 0.02


def in_loop(function, first, second):
    """run(n): `function` on one of two stored pairs of arguments, n times over in one program."""
    form = jax.eval_shape(function, first[0], second[0])

    def steps(first, second, y, n):
        def body(carry):
            i, _ = carry
            one, other = (lax.dynamic_index_in_dim(a, i % 2, 0, keepdims=False) for a in (first, second))
            return i + 1, function(one, other)

        return lax.while_loop(lambda carry: carry[0] < n, body, (0, y))[1]

    run = compile_function(steps)
    y = jnp.zeros(form.shape, form.dtype)
    return lambda n: run(first, second, y, n).block_until_ready()


def outside(function, first, second):
    """run(n): n calls of a program of its own."""
    run = compile_function(function)
    one, other = first[0], second[0]

    def calls(n):
        for _ in range(n):
            run(one, other).block_until_ready()

    return calls


def compare(label, forms, first, second):
    """Print the least time of each form, in the loop / outside."""
    runs = {}
    for name, function in forms.items():
        runs[name] = in_loop(function, first, second)
        runs[name, "outside"] = outside(function, first, second)
    times, counts = {}, {}
    for name, run in runs.items():
        run(1)
        start = time.perf_counter()
        run(2)
        counts[name] = max(1, min(50, int(2 * SECONDS_A_RUN / (time.perf_counter() - start))))
        times[name] = []
    for _ in range(ROUNDS):
        for name, run in runs.items():
            start = time.perf_counter()
            run(counts[name])
            times[name].append((time.perf_counter() - start) / counts[name])
    best = {name: min(found) * 1e3 for name, found in times.items()}
    shown = "   ".join(f"{name} {best[name]:.2f} / {best[name, 'outside']:.2f}" for name in forms)
    print(f"{label:48s}{shown}", flush=True)


def usable(table, spot):
    """The forms that are made for this shape."""
    volume = convolution._is_volume(spot)
    fits = {
        "product": False,
        "winograd": convolution._is_plain_square(spot),
        "planes": volume,
        "crossed": not volume,
        "mirrored": not volume and max(spot.strides) == 1,
    }
    return {name: form for name, form in table.items() if fits.get(name, True)}


def measure(batch, sizes, channels, filters, window, stride, dilation):
    rank = len(sizes)
    spot = geometry(sizes, (window,) * rank, (stride,) * rank, "same", (dilation,) * rank)
    draw = np.random.default_rng(0)

    def some(*shape):
        return jnp.asarray(draw.normal(size=(2, *shape)), "float32")

    x, w, g = some(batch, *sizes, channels), some(*spot.window, channels, filters), some(batch, *spot.out, filters)
    label = f"{batch} x {'x'.join(map(str, sizes))}, {channels} to {filters}, {window}/{stride} d{dilation}"
    rows = (
        ("convolve", convolution._FORWARD, x, w),
        ("spread", convolution._BACKWARD, g, w),
        ("correlate", convolution._KERNEL, x, g),
    )
    for word, table, first, second in rows:
        forms = {n: (lambda a, b, form=form: form(a, b, spot)) for n, form in usable(table, spot).items()}
        compare(f"{word:10s}{label}", forms, first, second)


if __name__ == "__main__":
    for index in map(int, sys.argv[1:]) if len(sys.argv) > 1 else range(len(SHAPES)):
        measure(*SHAPES[index])

"""Tests of what programs are compiled with."""

import jax
import jax.numpy as jnp
import jaxlib.version
import pytest

from hornbeam.engines.jax import convolution, transforms


def test_an_option_that_another_compiler_lost_is_left_out(monkeypatch):
    monkeypatch.setattr(transforms, "_CPU_OPTIONS", {"xla_cpu_prefer_vector_width": 512, "xla_cpu_never_was": 1})
    assert transforms._cpu_options("99.0") == {"xla_cpu_prefer_vector_width": 512}


def test_this_compiler_has_all_options():
    assert transforms._cpu_options(f"{jaxlib.version.__version__} asked") == transforms._CPU_OPTIONS


ANOTHER = jaxlib.version.__version__ != transforms._KNOWN_TO


@pytest.mark.skipif(ANOTHER, reason="other compilers may choose by themselves")
def test_convolutions_are_eigens_and_products_are_not():
    def both(x, kernel, a, b):
        return convolution.conv(x, kernel, (1, 1), "same", "channels_last", (1, 1)), a @ b

    arrays = [jnp.zeros(s) for s in ((8, 16, 16, 32), (3, 3, 32, 64), (100, 128), (128, 512))]
    program = jax.jit(both, compiler_options=transforms._cpu_options()).lower(*arrays).compile().as_text()
    assert " convolution(" in program.split("ENTRY")[1]
    assert "ynn_fusion" in program

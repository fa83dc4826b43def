"""What tests of the engines share."""

import jax
import pytest


@pytest.fixture
def double_precision():
    """The engine computes in float64, and then as before."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)

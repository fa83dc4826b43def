"""InputSpec: demands on ranks and sizes."""

from types import SimpleNamespace

import pytest

from hornbeam.layers import InputSpec

LAYER = SimpleNamespace(name="layer")


@pytest.mark.parametrize(
    ("spec", "fits", "fails", "told"),
    [
        (InputSpec(ndim=3), (None, 2, 2), (None, 2), r"inputs of rank 3, got shape \(None, 2\). Add an axis"),
        (InputSpec(ndim=2), (None, 2), (None, 2, 2), "Put a Flatten or Reshape layer before it"),
        (InputSpec(min_ndim=3), (1, 2, 3, 4), (1, 2), "rank 3 or more"),
        (InputSpec(max_ndim=2), (1, 2), (1, 2, 3), "rank at most 2"),
        (InputSpec(axes={-1: 4}), (None, 4), (None, 5), r"size 4 on axis -1, got shape \(None, 5\)"),
        (InputSpec(axes={-1: 4}), (None, None), (2, 1), "size 4"),
        (InputSpec(shape=(None, 3, 4)), (8, 3, 4), (8, 3, 5), "size 4 on axis 2"),
    ],
)
def test_demands(spec, fits, fails, told):
    spec.check(LAYER, fits)
    with pytest.raises(ValueError, match=told):
        spec.check(LAYER, fails)


def test_it_tells_what_it_demands():
    assert repr(InputSpec(ndim=2, axes={-1: 3})) == "InputSpec(ndim=2, axes={-1: 3})"

"""Arithmetic of windows, counted out by hand."""

import numpy as np
import pytest

from hornbeam.utils import conv_utils


@pytest.mark.parametrize("padding", ["valid", "same", "causal", "full"])
@pytest.mark.parametrize(
    ("size", "window", "stride", "dilation"), [(7, 3, 1, 1), (7, 3, 2, 1), (9, 2, 3, 1), (9, 3, 1, 2)]
)
def test_lengths_are_counted(padding, size, window, stride, dilation):
    reach = (window - 1) * dilation
    before = {"valid": 0, "full": reach, "causal": reach, "same": reach // 2}[padding]
    after = {"valid": 0, "full": reach, "causal": 0, "same": reach - reach // 2}[padding]
    count = len(range(-before, size + after - reach, stride))
    assert conv_utils.conv_output_length(size, window, padding, stride, dilation) == count
    assert conv_utils.conv_output_length(None, window, padding, stride, dilation) is None


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("window", "stride", "more"), [(3, 1, None), (3, 2, None), (2, 3, None), (3, 2, 1), (3, 2, 0)])
def test_transposed_lengths_lead_back(padding, window, stride, more):
    for size in (1, 4, 5):
        length = conv_utils.deconv_length(size, stride, window, padding, more)
        assert conv_utils.conv_output_length(length, window, padding, stride) == size
    assert conv_utils.deconv_length(None, stride, window, padding) is None


def test_input_lengths_lead_back():
    for padding in ("valid", "full", "same"):
        size = conv_utils.conv_input_length(5, 3, padding, 2)
        assert conv_utils.conv_output_length(size, 3, padding, 2) == 5


def test_tuples():
    assert conv_utils.normalize_tuple([1, np.int64(2)], 2, "strides") == (1, 2)
    assert conv_utils.normalize_tuple(0, 2, "padding", least=0) == (0, 0)
    for wrong in (0, 1.5, "3", (1, 2, 3), (1, None), True, None):
        with pytest.raises(ValueError, match="strides must be an integer or 2 integers, each at least 1"):
            conv_utils.normalize_tuple(wrong, 2, "strides")


def test_convert_kernel_turns_space_only():
    kernel = np.arange(8).reshape(2, 2, 1, 2)
    assert conv_utils.convert_kernel(kernel)[..., 0].ravel().tolist() == [6, 4, 2, 0]
    with pytest.raises(ValueError, match="3 to 5 axes"):
        conv_utils.convert_kernel(np.zeros(3))

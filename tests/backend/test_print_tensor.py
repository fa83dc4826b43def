"""`K.print_tensor` prints when its result is computed, and changes nothing."""

import numpy as np

from hornbeam import backend as K


def test_a_printed_tensor_passes_through_and_is_seen(capfd):
    x = K.placeholder(shape=(None, 2))
    out = K.function([x], [2 * K.print_tensor(x, "x is ")])([np.ones((1, 2))])[0]
    K.engine.block_until_ready(K.engine.convert(0))
    assert out.tolist() == [[2.0, 2.0]]
    assert "x is" in capfd.readouterr().out


def test_old_words_for_layouts():
    before = K.image_data_format()
    try:
        K.set_image_dim_ordering("th")
        assert K.image_data_format() == "channels_first"
        assert K.image_dim_ordering() == "th"
    finally:
        K.set_image_data_format(before)

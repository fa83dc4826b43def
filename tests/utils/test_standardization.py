"""Standardisation."""

import numpy as np
import pytest

from hornbeam.utils import standardization
from hornbeam.utils.standardization import Standardization

draw = np.random.default_rng(0)


def test_the_rows_it_learned_from_get_mean_0_and_deviation_1():
    tables, series = draw.normal(50, 9, (40, 3)), draw.normal(-2, 0.1, (40, 7, 2)).astype("float32")
    learned = Standardization([tables, series], rows=range(30))
    one, two = learned([tables, series])
    np.testing.assert_allclose(one[:30].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(one[:30].std(axis=0), 1)
    np.testing.assert_allclose(two[:30].std(axis=(0, 1)), 1, rtol=1e-4)
    assert two.dtype == "float32"
    np.testing.assert_allclose(one[30:], (tables[30:] - tables[:30].mean(axis=0)) / tables[:30].std(axis=0))


def test_constant_features_and_whole_numbers():
    x, ids = np.full((5, 1), 0.1, "float32"), np.arange(5)
    one, two = Standardization([x, ids])([x, ids])
    np.testing.assert_allclose(one, 0, atol=1e-6)
    assert two is ids
    with pytest.raises(ValueError, match="astype"):
        Standardization([ids])


def test_files_are_read_in_pieces(monkeypatch):
    from hornbeam.training.sources.columns import Column

    monkeypatch.setattr(standardization, "PIECE", 7)
    x, sizes = draw.normal(5, 2, (40, 3)), []

    def read(rows):
        sizes.append(len(rows))
        return x[rows]

    learned = Standardization([Column(read, x.shape, x.dtype)], rows=np.arange(30))
    assert max(sizes) <= 7
    assert sum(sizes) == 30
    np.testing.assert_allclose(learned([x])[0], Standardization([x], np.arange(30))([x])[0])
    lazy = learned([Column(read, x.shape, x.dtype)])[0]
    np.testing.assert_allclose(np.asarray(lazy[np.array([3, 5])]), learned([x])[0][[3, 5]])

"""How many cores there are, and what they can."""

import os

import pytest

from hornbeam.host_cores import usable_cores, wide_vectors


def test_no_more_cores_than_the_machine_has():
    assert 1 <= usable_cores() <= os.cpu_count()


@pytest.mark.parametrize(
    ("words", "wide"), [("flags : fpu avx2 avx512f avx512bw", True), ("flags : fpu avx2", False), ("avx512fma", False)]
)
def test_wide_vectors_are_told_by_the_system(words, wide, tmp_path):
    told_by = tmp_path / "cpuinfo"
    told_by.write_text(words)
    assert wide_vectors(told_by) == wide


def test_a_system_that_tells_nothing_has_none(tmp_path):
    assert not wide_vectors(tmp_path / "missing")

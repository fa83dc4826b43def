"""Nests: flatten, map, pack."""

from collections import namedtuple

import pytest

from hornbeam import nest

Pair = namedtuple("Pair", "first second")


def test_leaves_come_from_left_to_right_and_none_counts():
    assert nest.flatten([1, (2, {"b": 3, "a": [4, None]}), []]) == [1, 2, 3, 4, None]


def test_a_bare_value_is_its_own_leaf():
    assert nest.flatten(7) == [7]


def test_map_keeps_the_form_named_tuples_included():
    found = nest.map_structure(lambda x: x * 2, {"a": [1, (2,)], "b": Pair(3, 4)})
    assert found == {"a": [2, (4,)], "b": Pair(6, 8)}
    assert type(found["b"]) is Pair


def test_map_over_several_goes_by_key_not_by_order():
    assert nest.map_structure(lambda a, b: a - b, {"x": 1, "y": 2}, {"y": 20, "x": 10}) == {"x": -9, "y": -18}


def test_map_over_lists_of_different_lengths_is_refused():
    with pytest.raises(ValueError, match="zip"):
        nest.map_structure(lambda a, b: a, [1, 2], [1])


def test_pack_like_is_the_inverse_of_flatten():
    form = {"a": [0, (0, 0)], "b": 0}
    assert nest.pack_like(form, [1, 2, 3, 4]) == {"a": [1, (2, 3)], "b": 4}


@pytest.mark.parametrize(
    ("given", "listed"), [(None, []), ("ab", ["ab"]), ((1, 2), [1, 2]), ([1], [1]), ({"a": 1}, [{"a": 1}])]
)
def test_to_list(given, listed):
    assert nest.to_list(given) == listed


def test_unpack_singleton_takes_only_one_item_out():
    assert nest.unpack_singleton(["a"]) == "a"
    assert nest.unpack_singleton(["a", "b"]) == ["a", "b"]
    assert nest.unpack_singleton([]) == []

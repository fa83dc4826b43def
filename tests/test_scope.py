"""The scope: the context of one evaluation, one for each thread."""

import threading

import numpy as np

from hornbeam import scope


def test_scopes_nest_and_end_even_after_errors():
    assert scope.current() is None
    with scope.Scope(training=True) as outer:
        assert scope.current() is outer
        try:
            with scope.Scope() as inner:
                assert scope.current() is inner
                raise KeyError
        except KeyError:
            assert scope.current() is outer
    assert scope.current() is None


def test_a_scope_belongs_to_its_thread():
    seen = []
    with scope.Scope():
        thread = threading.Thread(target=lambda: seen.append(scope.current()))
        thread.start()
        thread.join()
    assert seen == [None]


def test_masks_go_by_the_very_value():
    here = scope.Scope()
    value = np.zeros(3)
    here.set_mask(value, "mask")
    assert here.mask_of(value) == "mask"
    assert here.mask_of(value.copy()) is None
    here.set_mask(value, None)
    assert here.mask_of(value) is None


def test_each_scope_begins_empty():
    one, other = scope.Scope(), scope.Scope()
    one.losses.append(1)
    one.values["a"] = 1
    assert (other.losses, other.values, other.draws, other.seed, other.valid_rows) == ([], {}, 0, None, None)

"""Variables that programs read without having been handed them."""

from hornbeam import backend as K
from hornbeam import scope


def test_what_is_read_is_remembered_until_it_is_set():
    beta, given = K.variable(1.0), K.variable(5.0)
    captured = K.Captured()
    with scope.Scope({given: given.value}, outside=captured.seen):
        assert float(beta) == 1.0
        assert float(given) == 5.0
    assert list(captured.seen) == [beta]
    assert not captured.changed()
    K.set_value(beta, 1.0)  # the same number, but it was set
    assert captured.changed()
    assert captured.known == [beta]
    assert captured.seen == {}
    assert not captured.changed()
    K.set_value(beta, 2.0)
    assert [float(v) for v in captured.values()] == [2.0]


def test_inner_scopes_share_what_the_outer_one_takes_down():
    beta, seen = K.variable(1.0), {}
    with scope.Scope(outside=seen), scope.Scope():
        float(beta)
    assert list(seen) == [beta]


def test_outside_of_programs_nothing_is_taken_down():
    beta = K.variable(1.0)
    with scope.Scope() as here:
        float(beta)
    assert here.outside is None

"""What scripts take from TensorFlow where it is not installed."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.compat import standins


def test_options_take_anything():
    config = standins.Options(allow_soft_placement=True)
    config.gpu_options.allow_growth = True
    config.CopyFrom(standins.Options(inter_op_parallelism_threads=1))
    assert (config.allow_soft_placement, config.gpu_options.allow_growth) == (True, True)
    assert config.inter_op_parallelism_threads == 1


def test_a_session_is_a_place_for_options_and_nothing_else():
    with standins.Session(config=standins.Options()) as session, session.as_default():
        K.set_session(session)
        session.run(standins.nothing())
        session.run([standins.nothing(), standins.nothing()])
        with pytest.raises(NotImplementedError, match="TensorFlow is not installed, and this session only takes"):
            session.run(K.constant(1.0))
    session.close()
    with standins.get_default_graph().as_default():
        assert standins.get_default_graph() is standins.get_default_graph()


def test_a_seed_of_tensorflow_counts_where_numpy_has_none():
    def drawn(*seeds):
        np.random.seed(5)
        standins.remember_seed()
        for seed in seeds:
            seed()
        return np.random.rand()

    alone = drawn(lambda: standins.set_random_seed(3))
    assert alone == drawn(lambda: standins.set_random_seed(3)) != drawn(lambda: standins.set_random_seed(4))
    numpy_too = drawn(lambda: np.random.seed(1), lambda: standins.set_random_seed(3))
    assert numpy_too == drawn(lambda: np.random.seed(1))


def test_every_stand_in_holds_what_it_promises():
    for name, known in standins.NAMES.items():
        module = standins.StandIn(name)
        assert all(getattr(module, key) is not None for key in known)

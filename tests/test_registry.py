"""The registry: names of things, and configurations that become objects again."""

import threading

import pytest

from hornbeam import registry, utils


@pytest.fixture
def _leave_no_trace():
    known = {kind: dict(table) for kind, table in registry._known.items()}
    names = dict(registry._names)
    yield
    registry._known.clear()
    registry._known.update(known)
    registry._names.clear()
    registry._names.update(names)


pytestmark = pytest.mark.usefixtures("_leave_no_trace")


class Doubler:
    def __init__(self, times=2):
        self.times = times

    def get_config(self):
        return {"times": self.times}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def test_names_and_aliases_find_the_thing():
    registry.register("layer", "twice")(Doubler)
    assert registry.find("layer", "Doubler") is Doubler
    assert registry.find("layer", "twice") is Doubler
    assert "twice" in registry.names("layer")


def test_the_package_of_a_name_is_dropped_where_nobody_knows_it():
    registry.register("layer")(Doubler)
    assert registry.find("layer", "other_package>Doubler") is Doubler


def test_an_unknown_name_is_answered_with_the_nearest_one_and_the_cure():
    registry.register("layer")(Doubler)
    with pytest.raises(ValueError, match=r"Unknown layer 'Dubler'. Did you mean 'Doubler'\?.*custom_objects"):
        registry.find("layer", "Dubler")


def test_an_object_goes_there_and_back():
    registry.register("layer")(Doubler)
    config = registry.serialize(Doubler(3))
    assert config == {"class_name": "Doubler", "config": {"times": 3}}
    assert registry.deserialize("layer", config).times == 3


def test_users_register_under_their_package_and_need_no_custom_objects():
    registry.register_keras_serializable("mine")(Doubler)
    config = registry.serialize(Doubler(5))
    assert config["class_name"] == "mine>Doubler"
    assert registry.deserialize("layer", config).times == 5
    assert registry.get_registered_object("mine>Doubler") is Doubler
    assert registry.get_registered_name(Doubler) == "mine>Doubler"


def test_custom_objects_come_before_known_names():
    class Other(Doubler):
        pass

    registry.register("layer")(Doubler)
    assert registry.find("layer", "Doubler", {"Doubler": Other}) is Other


def test_a_scope_of_custom_objects_ends():
    with utils.CustomObjectScope({"Mine": Doubler}, {"f": len}):
        assert registry.deserialize("layer", {"class_name": "Mine", "config": {}}).times == 2
        assert registry.find("activation", "f") is len
    with pytest.raises(ValueError, match="Unknown layer 'Mine'"):
        registry.find("layer", "Mine")


def test_a_scope_ends_after_an_error_and_nests():
    before = dict(utils.get_custom_objects())
    with utils.CustomObjectScope({"a": len}):
        with utils.CustomObjectScope({"b": abs}):
            assert registry.find("loss", "a") is len
        with pytest.raises(KeyError), utils.CustomObjectScope({"b": abs}):
            {}["error"]
        assert registry.get_registered_object("b") is None
    assert utils.get_custom_objects() == before


def test_custom_objects_belong_to_a_thread():
    seen = []
    with utils.CustomObjectScope({"Mine": Doubler}):
        thread = threading.Thread(target=lambda: seen.append(registry.get_registered_object("Mine")))
        thread.start()
        thread.join()
    assert seen == [None]


def test_functions_are_written_by_name_and_plain_values_stay():
    def triple(x):
        return 3 * x

    registry.register("activation")(triple)
    assert registry.serialize(triple) == "triple"
    assert registry.get("activation", "triple") is triple
    assert registry.serialize(None) is None
    assert registry.serialize("relu") == "relu"


def test_what_has_no_name_and_no_config_cannot_be_written():
    with pytest.raises(ValueError, match="get_config"):
        registry.serialize(object())


@pytest.mark.parametrize("config", [{"config": {}}, 3, ["Doubler"]])
def test_a_configuration_without_a_class_is_refused(config):
    with pytest.raises(ValueError, match="'class_name' and 'config'"):
        registry.deserialize("layer", config)


def test_get_takes_names_configurations_and_callables_and_nothing_else():
    assert registry.get("loss", None) is None
    assert registry.get("loss", len) is len
    with pytest.raises(TypeError, match="name, function, object or configuration; got 3"):
        registry.get("loss", 3)


def test_a_users_function_with_the_name_of_a_built_in_one_is_stored_with_a_warning():
    def mse(y_true, y_pred):
        return y_true - y_pred

    with pytest.warns(UserWarning, match="'mse' is stored by a name that Hornbeam's own"):
        assert registry.serialize(mse) == "mse"
    with registry.custom_object_scope({"mse": mse}):
        assert registry.serialize(mse) == "mse"

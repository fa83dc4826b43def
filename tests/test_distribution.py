"""What `hornbeam.distribution` takes, gives and refuses; tests/training/test_splitting.py trains with it."""

import pytest

from hornbeam import Sequential, distribution
from hornbeam.distribution import DataParallel, get_device_count, list_devices, set_distribution
from hornbeam.engines import engine
from hornbeam.layers import Dense


@pytest.fixture
def three_devices(monkeypatch):
    """As if there were two GPUs beside the CPU."""
    names = ["gpu:0", "gpu:1", "cpu:0"]
    monkeypatch.setattr(
        engine.module, "device_names", lambda kind=None: [n for n in names if kind is None or n.startswith(f"{kind}:")]
    )


def test_the_devices_of_this_process_have_names():
    assert "cpu:0" in list_devices()
    assert list_devices("CPU")[0] == "cpu:0"
    assert get_device_count("cpu") == len(list_devices("cpu"))
    assert list_devices("tpu") == []


def test_devices_are_named_or_counted(three_devices):
    assert DataParallel().devices == ("gpu:0", "gpu:1")
    assert DataParallel(1).devices == ("gpu:0",)
    assert DataParallel(["GPU:1", "cpu:0"]).devices == ("gpu:1", "cpu:0")
    assert DataParallel(devices=["gpu:0", "gpu:1"], auto_shard_dataset=False).num_model_replicas == 2


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (3, ValueError, "3 devices are asked for, only gpu:0, gpu:1, cpu:0. To use 2 or .* HORNBEAM_CPU_DEVICES"),
        (["gpu:7"], ValueError, "there is no device 'gpu:7', only gpu:0"),
        (["gpu:0", "gpu:0"], ValueError, "different ones"),
        ([], ValueError, "one or more"),
        (0, ValueError, "an integer of at least 1"),
        ("gpu:0", TypeError, r"Write \['gpu:0'\]"),
    ],
)
def test_devices_that_cannot_be_are_errors(three_devices, given, error, says):
    with pytest.raises(error, match=says):
        DataParallel(given)


def test_what_is_not_offered_says_so():
    with pytest.raises(ValueError, match="no device_mesh here"):
        DataParallel(device_mesh=(2, 1))
    with pytest.raises(AttributeError, match=r"no ModelParallel. Weights are not split .* DataParallel\(devices\)"):
        getattr(distribution, "ModelParallel")  # noqa: B009
    with pytest.raises(AttributeError, match="'DataParalel'"):
        getattr(distribution, "DataParalel")  # noqa: B009
    with pytest.raises(TypeError, match="takes a DataParallel or None"):
        set_distribution(["cpu:0"])


def test_a_scope_ends_and_what_was_set_before_holds_again():
    outer, inner = DataParallel(["cpu:0"]), DataParallel(["cpu:0"])
    set_distribution(outer)
    with inner:
        assert distribution.distribution() is inner
    assert distribution.distribution() is outer
    set_distribution(None)
    assert distribution.distribution() is None


def test_a_model_compiled_within_a_scope_keeps_its_devices(three_devices):
    model = Sequential([Dense(1, input_shape=(2,))])
    with DataParallel():
        model.compile("sgd", "mse")
    report = []
    model.compile_report(report.append)
    assert "  batches: split over gpu:0, gpu:1" in report

"""Arguments that all networks share: shapes, heads, weights of files and of the cache; and the package's names."""

import hashlib
import inspect
import json

import h5py
import numpy as np
import pytest

from applications import beside_keras
from hornbeam import Input, Model, applications
from hornbeam import backend as K
from hornbeam.applications import building, resnet, vgg16
from hornbeam.applications.resnet import ResNet50
from hornbeam.applications.vgg16 import VGG16
from hornbeam.layers import Activation, Dense

SHAPES = [
    # input_shape, include_top, weights, what comes
    (None, True, None, (224, 224, 3)),
    (None, False, None, (None, None, 3)),
    (None, True, "imagenet", (224, 224, 3)),
    ((224, 224, 3), True, "imagenet", (224, 224, 3)),
    ([64, 48, 3], False, "imagenet", (64, 48, 3)),
    ((64, 48, 1), False, None, (64, 48, 1)),
    ((None, 48, 3), False, None, (None, 48, 3)),
    ((32, 32, 3), True, None, (32, 32, 3)),
]
WRONG = [
    ((31, 32, 3), False, None, "at least 32 high and wide"),
    ((64, 64, 3), True, "imagenet", "what its head was trained on"),
    ((64, 64, 1), False, "imagenet", "3 channels"),
    ((None, None, 3), True, None, "fixed sizes"),
    ((64, 64), False, None, "three sizes"),
]


def turned(shape):
    return (shape[2], shape[0], shape[1]) if len(shape) == 3 else shape


@pytest.mark.parametrize(("shape", "top", "weights", "expected"), SHAPES)
def test_shapes(shape, top, weights, expected):
    from keras.src.applications.imagenet_utils import obtain_input_shape

    assert building.input_shape_of("Net", shape, 224, 32, top, weights) == expected
    first = None if shape is None else turned(shape)
    assert building.input_shape_of("Net", first, 224, 32, top, weights, "channels_first") == turned(expected)
    theirs = obtain_input_shape(shape and tuple(shape), 224, 32, "channels_last", top, weights)
    assert tuple(theirs) == expected


@pytest.mark.parametrize(("shape", "top", "weights", "message"), WRONG)
def test_shapes_that_cannot_be(shape, top, weights, message):
    with pytest.raises(ValueError, match=message):
        building.input_shape_of("Net", shape, 224, 32, top, weights)
    with pytest.raises(ValueError, match=message):
        building.input_shape_of("Net", turned(shape), 224, 32, top, weights, "channels_first")


def test_a_strange_number_of_channels_is_mentioned():
    with pytest.warns(UserWarning, match="pictures have 1 or 3 channels"):
        building.input_shape_of("Net", (64, 64, 4), 224, 32, False, None)


@pytest.mark.parametrize(("arguments", "kind", "message"), [
    ({"weights": "imagnet"}, ValueError, "VGG16: weights must be None, 'imagenet' or the path"),
    ({"weights": "imagenet", "classes": 10}, ValueError, "for 1000 classes; got classes=10"),
    ({"weights": "imagenet", "classifier_activation": "relu"}, ValueError, "classifier_activation must be"),
    ({"pooling": "mean"}, ValueError, "pooling must be None, 'avg' or 'max'"),
    ({"weights": None, "classes": 0}, ValueError, "classes must be"),
    ({"weights": None, "pooled": "avg"}, TypeError, "Did you mean 'pooling'"),
    ({"weights": None, "input_tensor": np.zeros((1, 32, 32, 3))}, ValueError, "input_tensor must be a tensor"),
])  # fmt: skip
def test_arguments_that_do_not_go_together(arguments, kind, message):
    with pytest.raises(kind, match=message):
        VGG16(**arguments)


def test_modules_of_keras_applications_are_taken_and_left():
    import hornbeam

    net = VGG16(weights=None, include_top=False, backend=K, layers=hornbeam.layers, models=hornbeam.models,
                utils=hornbeam.utils)  # fmt: skip
    assert net.name == "vgg16"


def test_ends():
    arguments = {"weights": None, "include_top": False, "input_shape": (64, 32, 3)}
    assert VGG16(**arguments).output_shape == (None, 2, 1, 512)
    for pooling, kind in (("avg", "GlobalAveragePooling2D"), ("max", "GlobalMaxPooling2D")):
        net = VGG16(pooling=pooling, name=pooling, **arguments)
        assert net.output_shape == (None, 512)
        assert type(net.layers[-1]).__name__ == kind
        assert net.name == pooling
    net = ResNet50(weights=None, input_shape=(32, 32, 3), classes=3, classifier_activation=None)
    assert net.output_shape == (None, 3)
    assert net.layers[-1].activation.__name__ == "linear"


def test_a_tensor_to_start_from():
    """The model begins at the Input behind the tensor, so what lies between belongs to it."""
    start = Input(shape=(32, 32, 3))
    net = VGG16(weights=None, include_top=False, input_tensor=Activation("tanh")(start))
    assert net.inputs[0] is start
    assert [type(layer).__name__ for layer in net.layers[:3]] == ["InputLayer", "Activation", "Conv2D"]
    other = VGG16(weights=None, include_top=False, input_tensor=start, name="other")
    both = Model(start, Dense(2)(net.output))
    assert other.inputs[0] is both.inputs[0]


def test_a_tensor_computed_from_a_placeholder():
    """As style transfer has it: three pictures in a batch, two of which stay as they are."""
    fixed, made = K.variable(np.ones((2, 32, 32, 3))), K.placeholder((1, 32, 32, 3))
    net = VGG16(weights=None, include_top=False, input_tensor=K.concatenate([fixed, made], axis=0))
    assert net.inputs == [made]
    grads = K.gradients(K.sum(net.layers[1].output[2]), made)[0]
    assert np.abs(K.function([made], [grads])([np.ones((1, 32, 32, 3))])[0]).max() > 0


def written_by_keras(theirs, path):
    """The weights of a network of Keras in the layout of Keras 2, in which the published files are."""
    from keras.src.legacy.saving import legacy_h5_format

    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, theirs)


@pytest.fixture(scope="module")
def file_of_resnet50(tmp_path_factory):
    theirs = beside_keras.keras_network("ResNet50", include_top=False, pooling="avg", input_shape=(64, 64, 3))
    path = tmp_path_factory.mktemp("weights") / "resnet50.h5"
    written_by_keras(theirs, path)
    return theirs, path


def same_weights(ours, theirs):
    for layer, other in zip(ours.layers, theirs.layers, strict=True):
        for mine, its in zip(layer.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(mine, its)


def test_weights_of_a_file(file_of_resnet50):
    theirs, path = file_of_resnet50
    same_weights(ResNet50(weights=str(path), include_top=False, pooling="avg"), theirs)


def test_weights_by_name(file_of_resnet50):
    theirs, path = file_of_resnet50
    ours = ResNet50(weights=None, include_top=False, pooling="avg")
    ours.load_weights(path, by_name=True)
    same_weights(ours, theirs)


def test_weights_of_imagenet_come_through_the_cache(file_of_resnet50, tmp_path, monkeypatch):
    theirs, path = file_of_resnet50
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    cached = tmp_path / "models" / "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
    cached.symlink_to(path)
    url, _ = resnet.PUBLISHED["resnet50"][False]
    monkeypatch.setitem(resnet.PUBLISHED["resnet50"], False, (url, hashlib.md5(path.read_bytes()).hexdigest()))
    same_weights(ResNet50(include_top=False, pooling="avg"), theirs)


def test_a_file_of_another_network(file_of_resnet50):
    with pytest.raises(ValueError, match="holds weights for 106 layers"):
        VGG16(weights=str(file_of_resnet50[1]), include_top=False)


def test_a_head_nobody_published():
    start = Input(shape=(3,))
    with pytest.raises(ValueError, match="Nobody published weights for mine"):
        building.finish("mine", start, Dense(2)(start), "imagenet", True, {False: vgg16.PUBLISHED[False]})


# --- The package ---


def test_modules_are_loaded_when_first_used(run_python):
    program = """
        import sys, json
        from hornbeam import applications
        before = [m for m in sys.modules if m.startswith("hornbeam.applications.")]
        applications.VGG19, applications.resnet50
        print(json.dumps([before, "hornbeam.applications.xception" in sys.modules]))
    """
    assert json.loads(run_python(program)) == [[], False]


@pytest.mark.parametrize("name", [
    "VGG16", "VGG19", "ResNet50", "ResNet101", "ResNet152", "ResNet50V2", "ResNet101V2", "ResNet152V2", "ResNeXt50",
    "ResNeXt101", "InceptionV3", "InceptionResNetV2", "Xception",
])  # fmt: skip
def test_classic_signatures(name):
    network = getattr(applications, name)
    assert name in dir(applications)
    found = inspect.signature(network).parameters
    assert [(p.name, p.default) for p in found.values()][:6] == [
        ("include_top", True), ("weights", "imagenet"), ("input_tensor", None), ("input_shape", None),
        ("pooling", None), ("classes", 1000),
    ]  # fmt: skip
    module = inspect.getmodule(network)
    assert list(inspect.signature(module.decode_predictions).parameters) == ["preds", "top", "kwargs"]
    assert next(iter(inspect.signature(module.preprocess_input).parameters)) == "x"


def test_an_unknown_name():
    with pytest.raises(AttributeError, match="has no attribute 'VGG17'"):
        applications.VGG17  # noqa: B018

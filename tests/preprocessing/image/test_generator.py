"""ImageDataGenerator beside keras_preprocessing 1.1.2: the same draws, the same pictures, the same statistics."""

import random

import keras_preprocessing.image as classic
import numpy as np
import pytest

from hornbeam.preprocessing import image

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:keras_preprocessing"),
    # Both say that one setting overrides another, and that nothing was fitted; the words are tested below.
    pytest.mark.filterwarnings("ignore:.*This ImageDataGenerator specifies:UserWarning"),
    pytest.mark.filterwarnings("ignore:ImageDataGenerator:UserWarning"),
]

SETTINGS = {
    "nothing": {},
    "flips": {"horizontal_flip": True, "vertical_flip": True},
    "rotation": {"rotation_range": 30},
    "shift by share": {"width_shift_range": 0.2, "height_shift_range": 0.3},
    "shift by pixels": {"width_shift_range": 2.0, "height_shift_range": 1.5},
    "shift by whole pixels": {"width_shift_range": 3, "height_shift_range": 2},
    "shift from a list": {"width_shift_range": [0, 1, 4], "height_shift_range": [0.1, 0.4]},
    "shear": {"shear_range": 15.0},
    "zoom": {"zoom_range": 0.4},
    "zoom out": {"zoom_range": (1.0, 2.0)},
    "no zoom": {"zoom_range": [1, 1]},
    "channels": {"channel_shift_range": 50.0},
    "constant": {"rotation_range": 40, "fill_mode": "constant", "cval": 9.0, "interpolation_order": 0},
    "reflect": {"rotation_range": 40, "fill_mode": "reflect"},
    "cubic": {"zoom_range": 0.3, "fill_mode": "wrap", "interpolation_order": 3},
    "rescale": {"rescale": 1 / 255, "preprocessing_function": lambda x: x - 3},
    "samplewise": {"samplewise_center": True, "samplewise_std_normalization": True},
    "deviation only": {"samplewise_std_normalization": True},
    "double": {"rotation_range": 10, "rescale": 0.5, "dtype": "float64"},
    "all": {
        "rotation_range": 20, "width_shift_range": 0.1, "height_shift_range": 0.1, "shear_range": 5, "zoom_range": 0.1,
        "channel_shift_range": 10, "horizontal_flip": True, "vertical_flip": True, "rescale": 1 / 255,
    },
}  # fmt: skip


def pictures(n=6, layout="channels_last", channels=3, size=(8, 7)):
    x = (np.random.RandomState(2).rand(n, *size, channels) * 255).astype("float32")
    return x if layout == "channels_last" else np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def pair(**settings):
    return [module.ImageDataGenerator(**settings) for module in (classic, image)]


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
@pytest.mark.parametrize("name", SETTINGS)
def test_flow(name, layout):
    results = []
    for generator in pair(**SETTINGS[name], data_format=layout):
        np.random.seed(11)
        batches = generator.flow(pictures(layout=layout), np.arange(6), batch_size=4, sample_weight=np.arange(6) / 2)
        results.append([next(batches) for _ in range(3)] + [batches[1]])
    for expected, ours in zip(*results):
        assert ours[0].dtype == expected[0].dtype
        for theirs, mine in zip(expected, ours):
            np.testing.assert_array_equal(mine, theirs)


def drawn_settings(draw):
    """Settings of all kinds together."""
    shifts = [0, 0.2, 0.9, 1, 1.0, 3, -2, 2.5, [0, 1], [-3, 0], [0.1, 0.2], (1, 2)]
    flags = ("horizontal_flip", "vertical_flip", "samplewise_center", "samplewise_std_normalization",
             "featurewise_center", "featurewise_std_normalization")  # fmt: skip
    return {
        "rotation_range": draw.choice([0, 15, 90.5]), "width_shift_range": draw.choice(shifts),
        "height_shift_range": draw.choice(shifts), "shear_range": draw.choice([0, 10, 30.0]),
        "zoom_range": draw.choice([0, 0.3, [0.5, 1], (1, 1)]), "channel_shift_range": draw.choice([0, 30, 0.5]),
        "fill_mode": draw.choice(["nearest", "reflect", "wrap", "constant"]), "cval": draw.choice([0, 7.5]),
        "rescale": draw.choice([None, 0, 1 / 255]), "interpolation_order": draw.choice([0, 1, 2]),
        "data_format": draw.choice(["channels_last", "channels_first"]), "dtype": draw.choice(["float32", "float64"]),
        **{flag: draw.random() < 0.4 for flag in flags},
    }  # fmt: skip


@pytest.mark.parametrize("case", range(40))
def test_everything_together(case):
    settings = drawn_settings(random.Random(case))
    x = pictures(4, settings["data_format"])
    results = []
    for generator in pair(**settings):
        generator.fit(x, augment=case % 2 == 0, seed=case)
        np.random.seed(case)
        batches = generator.flow(x, batch_size=3, seed=case if case % 3 else None)
        results.append([next(batches), batches[0], next(batches), np.random.rand()])
    for expected, ours in zip(*results):
        np.testing.assert_array_equal(ours, expected)  # to the last bit: means add up in the same order


def test_brightness():
    results = []
    for generator in pair(brightness_range=(0.4, 1.6), rotation_range=20):
        np.random.seed(5)
        results.append(next(generator.flow(pictures(), batch_size=6)))
    np.testing.assert_array_equal(results[1], results[0])


def test_brightness_with_channels_first():
    # The classic takes the columns for channels here and fails: the picture with its axes in the usual order decides.
    settings = {"brightness_range": (0.4, 1.6), "rotation_range": 20}
    last, first = (image.ImageDataGenerator(**settings, data_format=f"channels_{w}") for w in ("last", "first"))
    x = pictures(1)[0]
    expected = last.random_transform(x, seed=4)
    np.testing.assert_array_equal(first.random_transform(x.transpose(2, 0, 1), seed=4), expected.transpose(2, 0, 1))


@pytest.mark.parametrize("name", SETTINGS)
def test_random_transform(name):
    for seed in range(4):
        theirs, ours = pair(**SETTINGS[name])
        expected, given = (g.get_random_transform((8, 7, 3), seed) for g in (theirs, ours))
        assert given == expected
        assert list(given) == list(expected)
        x = pictures(1)[0]
        np.testing.assert_array_equal(ours.random_transform(x, seed), theirs.random_transform(x, seed))
        np.testing.assert_array_equal(ours.apply_transform(x, {"theta": 9}), theirs.apply_transform(x, {"theta": 9}))


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
@pytest.mark.parametrize("augment", [False, True])
@pytest.mark.parametrize(
    "settings",
    [
        {"featurewise_center": True},
        {"featurewise_center": True, "featurewise_std_normalization": True, "rescale": 1 / 255},
        {"featurewise_std_normalization": True},
        {"zca_whitening": True, "zca_epsilon": 1e-3},
    ],
)
def test_fit(settings, augment, layout):
    x = pictures(9, layout, size=(4, 3))
    results = []
    for generator in pair(**settings, rotation_range=20, data_format=layout):
        generator.fit(x, augment=augment, rounds=2, seed=8)
        np.random.seed(3)
        results.append((generator, next(generator.flow(x, batch_size=9))))
    (theirs, expected), (ours, given) = results
    np.testing.assert_array_equal(ours.mean, theirs.mean)
    if theirs.std is not None:
        np.testing.assert_array_equal(ours.std, theirs.std)
    if theirs.principal_components is not None:
        np.testing.assert_allclose(ours.principal_components, theirs.principal_components, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(given, expected, rtol=1e-5, atol=1e-5)


def test_fit_leaves_the_data_alone():
    x = pictures()
    before = x.copy()
    image.ImageDataGenerator(featurewise_center=True, rescale=0.5).fit(x)
    np.testing.assert_array_equal(x, before)


def test_standardize_in_place_where_it_can():
    generator = image.ImageDataGenerator(rescale=0.5)
    x = np.ones((2, 2, 1), "float32")
    assert generator.standardize(x) is x
    assert x.max() == 0.5
    # The classic cannot multiply whole numbers, or an array that is read-only, in place.
    assert generator.standardize(np.full((2, 2, 1), 3, "uint8")).tolist() == np.full((2, 2, 1), 1.5).tolist()
    x.flags.writeable = False
    assert generator.standardize(x).max() == 0.25


def test_a_standardization_without_fit_warns():
    generator = image.ImageDataGenerator(featurewise_center=True)
    with pytest.warns(UserWarning, match="featurewise_center is not done.*fit"):
        generator.standardize(np.ones((2, 2, 1)))


@pytest.mark.parametrize(
    ("settings", "switched", "value"),
    [
        ({"zca_whitening": True}, "featurewise_center", True),
        ({"zca_whitening": True, "featurewise_center": True, "featurewise_std_normalization": True},
         "featurewise_std_normalization", False),
        ({"featurewise_std_normalization": True}, "featurewise_center", True),
        ({"samplewise_std_normalization": True}, "samplewise_center", True),
    ],
)  # fmt: skip
def test_settings_that_need_others(settings, switched, value):
    with pytest.warns(UserWarning, match=f"means {switched}={value}"):
        generator = image.ImageDataGenerator(**settings)
    assert getattr(generator, switched) is value


@pytest.mark.parametrize(
    ("settings", "kind", "message"),
    [
        ({"rotation_range": (10, 20)}, ValueError, "rotation_range must be a number"),
        ({"shear_range": "5"}, ValueError, "shear_range must be a number"),
        ({"width_shift_range": "0.2"}, ValueError, "width_shift_range must be a number or a list"),
        ({"height_shift_range": [[1, 2]]}, ValueError, "height_shift_range must be a number or a list"),
        ({"zoom_range": (1, 2, 3)}, ValueError, "zoom_range must be a number or two numbers"),
        ({"zoom_range": "wide"}, ValueError, "zoom_range must be a number or two numbers"),
        ({"brightness_range": 0.5}, ValueError, "brightness_range must be two numbers"),
        ({"fill_mode": "neares"}, ValueError, "fill_mode 'neares'. Did you mean 'nearest'"),
        ({"data_format": "channel_last"}, ValueError, "data_format must be 'channels_last'"),
        ({"validation_split": 1.5}, ValueError, r"validation_split must be a number in \[0, 1\)"),
        ({"preprocessing_function": 3}, ValueError, "preprocessing_function must be a function"),
        ({"interpolation_order": 9}, ValueError, "interpolation_order must be 0 to 5"),
        ({"dtype": "flaot32"}, ValueError, "dtype must be one of"),
    ],
)
def test_wrong_settings(settings, kind, message):
    with pytest.raises(kind, match=message):
        image.ImageDataGenerator(**settings)


def test_wrong_pictures():
    generator = image.ImageDataGenerator()
    with pytest.raises(ValueError, match=r"four axes, got shape \(5, 4, 4\).*channel axis"):
        generator.fit(np.zeros((5, 4, 4)))
    with pytest.raises(ValueError, match="rounds must be an integer of at least 1"):
        generator.fit(pictures(), augment=True, rounds=0)
    cropping = image.ImageDataGenerator(preprocessing_function=lambda x: x[:3])
    with pytest.raises(ValueError, match=r"shape \(8, 7, 3\) came back as ndarray of shape \(3, 7, 3\)"):
        next(cropping.flow(pictures()))

"""Transformations of one picture, beside keras_preprocessing 1.1.2 with the same random numbers."""

import keras_preprocessing.image as classic
import numpy as np
import pytest

from hornbeam.preprocessing import image

# The classic asks SciPy by an old path.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:keras_preprocessing")

LAYOUTS = {"last": ((9, 7, 3), (0, 1, 2)), "first": ((3, 9, 7), (1, 2, 0))}


def picture(shape=(9, 7, 3), dtype="float32"):
    return (np.random.RandomState(3).rand(*shape) * 255).astype(dtype)


def both(name, *args, seed=1, **kwargs):
    """What the classic and what ours gives, and that both draw equally many numbers."""
    results = []
    for module in (classic, image):
        np.random.seed(seed)
        results.append((getattr(module, name)(*args, **kwargs), np.random.rand()))
    (expected, after), (ours, after_ours) = results
    assert after == after_ours, "another number of draws"
    return expected, ours


def same(expected, ours):
    assert ours.dtype == expected.dtype
    np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fill_mode", ["nearest", "reflect", "wrap", "constant"])
@pytest.mark.parametrize("order", [0, 1, 3])
def test_affine(layout, fill_mode, order):
    shape, (rows, columns, channels) = LAYOUTS[layout]
    for given in ({"theta": 30}, {"tx": 2, "ty": -1.5}, {"shear": 20}, {"zx": 0.7, "zy": 1.4},
                  {"theta": -50, "tx": 1, "ty": 2, "shear": 12, "zx": 1.2, "zy": 0.9}):  # fmt: skip
        expected, ours = both(
            "apply_affine_transform", picture(shape), row_axis=rows, col_axis=columns, channel_axis=channels,
            fill_mode=fill_mode, cval=17.0, order=order, **given,
        )  # fmt: skip
        same(expected, ours)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float64"])
def test_affine_keeps_the_type(dtype):
    same(*both("apply_affine_transform", picture(dtype=dtype), theta=10, shear=5))


def test_affine_half_precision():
    x = picture(dtype="float16")
    ours = image.apply_affine_transform(x, theta=10)  # SciPy, and so the classic, refuses these
    assert ours.dtype == np.float16
    expected = image.apply_affine_transform(x.astype("float32"), theta=10)
    np.testing.assert_array_equal(ours, expected.astype("float16"))


def test_nothing_to_do_gives_the_picture_itself():
    x = picture()
    assert image.apply_affine_transform(x) is x
    with pytest.raises(ValueError, match=r"one picture of three axes, got shape \(2, 9, 7, 3\)"):
        image.apply_affine_transform(np.zeros((2, 9, 7, 3)), theta=3)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("random_rotation", (40,)),
        ("random_shift", (0.3, 0.2)),
        ("random_shear", (25,)),
        ("random_zoom", ((0.6, 1.5),)),
        ("random_zoom", ((1, 1),)),
    ],
)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_random_affine(name, args, layout):
    shape, (rows, columns, channels) = LAYOUTS[layout]
    for seed in range(3):
        same(*both(name, picture(shape), *args, rows, columns, channels, "constant", 3.0, 1, seed=seed))


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("apply_channel_shift", (40.0, 2)),
        ("random_channel_shift", (60, 2)),
        ("apply_brightness_shift", (0.6,)),
        ("apply_brightness_shift", (1.7,)),
        ("random_brightness", ((0.3, 1.9),)),
        ("flip_axis", (0,)),
        ("flip_axis", (1,)),
    ],
)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_colours_and_flips(name, args, channels):
    same(*both(name, picture((6, 5, channels)), *args))


def test_brightness_without_spreading():
    x = np.full((2, 2, 3), 100.0)
    assert image.apply_brightness_shift(x, 1.5, scale=False).tolist() == np.full((2, 2, 3), 150.0).tolist()


def test_offset_center():
    matrix = np.random.rand(3, 3)
    same(*both("transform_matrix_offset_center", matrix, 7, 10))


@pytest.mark.parametrize(
    ("name", "argument"), [("random_zoom", "zoom_range"), ("random_brightness", "brightness_range")]
)
@pytest.mark.parametrize("value", [0.3, (1, 2, 3)])
def test_two_numbers_are_needed(name, argument, value):
    with pytest.raises(ValueError, match=f"{name}: {argument} must be two numbers"):
        getattr(image, name)(picture(), value)

"""Picture files and arrays, beside keras_preprocessing 1.1.2; files that are damaged or too large."""

import io
import struct
import zlib

import keras_preprocessing.image as classic
import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from hornbeam import config
from hornbeam.preprocessing import image


def pixels(*shape):
    return np.random.RandomState(5).randint(0, 256, shape).astype("uint8")


@pytest.fixture
def files(tmp_path):
    """Paths of small pictures of all kinds."""
    kinds = {
        "rgb.png": Image.fromarray(pixels(11, 8, 3)), "rgba.png": Image.fromarray(pixels(11, 8, 4)),
        "gray.png": Image.fromarray(pixels(11, 8)), "palette.png": Image.fromarray(pixels(11, 8, 3)).quantize(16),
        "deep.png": Image.fromarray(pixels(11, 8).astype("uint16") * 200),
        "very deep.tif": Image.fromarray(pixels(11, 8).astype("int32") * 70000),
        "photo.jpg": Image.fromarray(pixels(11, 8, 3)), "cmyk.jpg": Image.fromarray(pixels(11, 8, 3)).convert("CMYK"),
        "map.bmp": Image.fromarray(pixels(11, 8, 3)), "one bit.png": Image.fromarray(pixels(11, 8)).convert("1"),
    }  # fmt: skip
    for name, img in kinds.items():
        img.save(tmp_path / name)
    return [tmp_path / name for name in kinds]


@pytest.mark.parametrize("color_mode", ["rgb", "rgba", "grayscale"])
def test_load(files, color_mode):
    for path in files:
        for target_size, method in ((None, "nearest"), ((5, 9), "nearest"), ((11, 8), "bilinear")):
            given = {"color_mode": color_mode, "target_size": target_size, "interpolation": method}
            expected, ours = classic.load_img(path, **given), image.load_img(path, **given)
            assert (ours.mode, ours.size) == (expected.mode, expected.size), path
            np.testing.assert_array_equal(np.asarray(ours), np.asarray(expected), err_msg=str(path))


@pytest.mark.parametrize("method", ["nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"])
def test_interpolation(files, method):
    expected, ours = (m.load_img(files[0], target_size=(20, 5), interpolation=method) for m in (classic, image))
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(expected))


@pytest.mark.parametrize("size", [(4, 4), (20, 6), (3, 30)])
def test_keep_aspect_ratio(files, size):
    import keras

    given = {"target_size": size, "interpolation": "bilinear", "keep_aspect_ratio": True}
    expected = np.asarray(keras.utils.load_img(files[0], **given))
    np.testing.assert_array_equal(np.asarray(image.load_img(files[0], **given)), expected)


def test_spellings_of_other_years(files):
    path = files[0]
    with pytest.warns(UserWarning, match="old spelling"):
        assert image.load_img(path, grayscale=True).mode == "L"
    assert image.load_img(path, "rgba").mode == "RGBA"  # Keras 3
    assert image.load_img(path, False, (3, 4)).size == (4, 3)  # Keras 1
    assert image.load_img(io.BytesIO(path.read_bytes())).size == (8, 11)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_img_to_array(files, data_format, dtype):
    for path in files[:3]:
        expected = classic.img_to_array(Image.open(path), data_format, dtype)
        ours = image.img_to_array(Image.open(path), data_format, dtype)
        assert ours.dtype == expected.dtype
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_array_to_img(data_format, scale, channels):
    x = pixels(6, 5, channels) * 0.9
    x = x.transpose(2, 0, 1) if data_format == "channels_first" else x
    expected, ours = (m.array_to_img(x, data_format, scale) for m in (classic, image))
    assert ours.mode == expected.mode
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(expected))


def test_array_to_img_beyond_a_byte():
    x = np.arange(12.0).reshape(3, 4, 1) * 1000
    expected, ours = (m.array_to_img(x, scale=False) for m in (classic, image))
    assert ours.mode == expected.mode == "I"
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(expected))
    assert np.asarray(image.array_to_img(np.full((2, 2, 3), 7.0))).max() == 0, "one colour has no spread"


def test_default_layout_is_the_settings():
    config.set_image_data_format("channels_first")
    try:
        assert image.img_to_array(Image.new("RGB", (4, 5))).shape == (3, 5, 4)
        assert image.ImageDataGenerator().channel_axis == 1
    finally:
        config.set_image_data_format("channels_last")


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.bmp", "x.tif"])
def test_save(tmp_path, name):
    x = pixels(6, 5, 3).astype("float32")
    (tmp_path / "classic").mkdir()
    classic.save_img(str(tmp_path / "classic" / name), x)
    image.save_img(tmp_path / name, x)
    assert (tmp_path / name).read_bytes() == (tmp_path / "classic" / name).read_bytes()


@pytest.mark.parametrize("how", [{"name": "x.jpg"}, {"name": "x", "file_format": "jpg"}])
def test_save_jpeg_without_transparency(tmp_path, how):
    # The classic hands Pillow the format 'jpg', which it does not know, or four channels for a .jpg: both fail.
    path = tmp_path / how.pop("name")
    with pytest.warns(UserWarning, match="transparency"):
        image.save_img(path, pixels(6, 5, 4), **how)
    with Image.open(path) as img:
        assert img.format == "JPEG"


def test_list_and_validate(tmp_path, files):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "x.PNG").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no picture")
    for ext in ({}, {"ext": "png"}, {"ext": ("jpg", "bmp")}):
        expected = classic.list_pictures(str(tmp_path), **ext)
        assert expected
        assert image.list_pictures(str(tmp_path), **ext) == expected
    assert image.validate_filename(str(files[0]), ("png", "jpg"))
    assert image.validate_filename(tmp_path / "inner" / "x.PNG", {"png"})
    assert not image.validate_filename(str(tmp_path / "notes.txt"), ("png",))
    assert not image.validate_filename(str(tmp_path / "missing.png"), ("png",))


def _png_claiming(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0" * 99)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_a_bomb_is_refused(tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(_png_claiming(60000, 60000))
    with pytest.raises(ValueError, match=r"bomb\.png: refused.*MAX_IMAGE_PIXELS"):
        image.load_img(path)


def test_a_program_is_not_run(tmp_path):
    path = tmp_path / "drawing.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n")
    with pytest.raises(ValueError, match=r"drawing\.png: .*PostScript"):
        image.load_img(path)


def test_damaged_files_are_named(tmp_path, files):
    empty, cut, pure_text = tmp_path / "empty.jpg", tmp_path / "cut.jpg", tmp_path / "text.png"
    empty.write_bytes(b"")
    pure_text.write_text("this is no picture")
    cut.write_bytes(next(f for f in files if f.name == "photo.jpg").read_bytes()[:300])
    for path, kind in ((empty, UnidentifiedImageError), (pure_text, UnidentifiedImageError), (cut, OSError)):
        with pytest.raises(kind, match=f"{path.name}: cannot be read as a picture"):
            image.load_img(path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        image.load_img(tmp_path / "nowhere.png")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_changed_bytes_give_a_picture_or_name_the_file(tmp_path, files):
    whole, broken, told = files[0].read_bytes(), tmp_path / "broken.png", []
    for place in range(16, len(whole)):
        broken.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            image.load_img(broken)
        except (OSError, ValueError) as error:
            told.append(str(error))
    assert len(told) > 50
    assert all("broken.png" in text for text in told)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"color_mode": "gray"}, "color_mode 'gray'. Did you mean 'grayscale'"),
        ({"target_size": 150}, "target_size must be .height, width"),
        ({"target_size": (150, 150, 3)}, "target_size must be"),
        ({"target_size": (0, 4)}, "target_size must be"),
        ({"target_size": (3, 3), "interpolation": "linear"}, "interpolation 'linear'. Did you mean 'bilinear'"),
    ],
)
def test_wrong_arguments_of_load(files, given, message):
    with pytest.raises(ValueError, match=message):
        image.load_img(files[0], **given)


def test_wrong_arrays():
    with pytest.raises(ValueError, match=r"one picture of three axes, got shape \(1, 2, 2, 3\).*x\[0\]"):
        image.array_to_img(np.zeros((1, 2, 2, 3)))
    with pytest.raises(ValueError, match="1, 3 or 4 channels, got 9.*Is it 'channels_first'"):
        image.array_to_img(np.zeros((3, 9, 9)))
    with pytest.raises(ValueError, match="data_format must be"):
        image.array_to_img(np.zeros((3, 9, 9)), "th")
    with pytest.raises(ValueError, match="two or three axes"):
        image.img_to_array(np.zeros((1, 2, 2, 3)))
    with pytest.raises(ValueError, match="dtype must be"):
        image.img_to_array(np.zeros((2, 2, 3)), dtype="flaot32")

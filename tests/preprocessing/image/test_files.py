"""Pictures in folders, beside keras_preprocessing 1.1.2."""

import os

import keras_preprocessing.image as classic
import numpy as np
import pytest
from PIL import Image

from hornbeam.preprocessing import image

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:keras_preprocessing")


@pytest.fixture
def folder(tmp_path):
    """Three class folders of 5 pictures each, one of them with a folder inside, and a file that is no picture."""
    random = np.random.RandomState(1)
    root = tmp_path / "data"
    for name in ("cats", "dogs", "dogs/young", "emus"):
        (root / name).mkdir(parents=True, exist_ok=True)
    names = [f"cats/{n}.png" for n in (1, 10, 2, 3, 4)]
    names += ["dogs/b.jpg", "dogs/A.PNG", "dogs/young/x.bmp", "dogs/young/y.png", "dogs/c.jpeg"]
    names += [f"emus/{n}.ppm" for n in range(5)]
    for name in names:
        Image.fromarray(random.randint(0, 256, (7, 6, 3)).astype("uint8")).save(root / name)
    (root / "cats" / "notes.txt").write_text("no picture")
    (root / "loose.png").write_bytes((root / "cats/1.png").read_bytes())
    return root


def both(folder, settings=None, batches=2, **given):
    """(iterator, batches, what was printed) of the classic and of ours, from the same seed."""
    results = []
    for module in (classic, image):
        np.random.seed(9)
        generator = module.ImageDataGenerator(**(settings or {}))
        it = generator.flow_from_directory(str(folder), target_size=(5, 4), batch_size=4, **given)
        results.append((it, [next(it) for _ in range(batches)]))
    return results


def assert_same(results):
    (theirs, expected), (ours, given) = results
    for name in ("filenames", "filepaths", "class_indices", "samples", "num_classes", "n", "image_shape", "split",
                 "subset", "target_size", "color_mode", "class_mode"):  # fmt: skip
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.classes.dtype == theirs.classes.dtype
    np.testing.assert_array_equal(ours.classes, theirs.classes)
    np.testing.assert_array_equal(ours.labels, theirs.labels)
    for batch, expected_batch in zip(given, expected):
        pair, expected_pair = ((b if isinstance(b, tuple) else (b,)) for b in (batch, expected_batch))
        assert len(pair) == len(expected_pair)
        for mine, its in zip(pair, expected_pair):
            assert mine.dtype == its.dtype
            np.testing.assert_array_equal(mine, its)


@pytest.mark.parametrize("class_mode", ["categorical", "sparse", "input", None])
@pytest.mark.parametrize("color_mode", ["rgb", "rgba", "grayscale"])
def test_class_and_color_modes(folder, class_mode, color_mode):
    assert_same(both(folder, class_mode=class_mode, color_mode=color_mode, batches=5))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "lanczos"])
def test_transformed(folder, data_format, interpolation):
    settings = {"rotation_range": 20, "zoom_range": 0.2, "horizontal_flip": True, "rescale": 1 / 255,
                "data_format": data_format, "dtype": "float64"}  # fmt: skip
    assert_same(both(folder, settings, interpolation=interpolation, seed=3))


@pytest.mark.parametrize("subset", ["training", "validation", None])
@pytest.mark.parametrize("shuffle", [True, False])
def test_subsets(folder, subset, shuffle):
    assert_same(both(folder, {"validation_split": 0.4}, subset=subset, shuffle=shuffle))


@pytest.mark.parametrize("classes", [["emus", "cats"], ("dogs", "cats"), ["."]])
def test_chosen_classes(folder, classes):
    assert_same(both(folder, classes=classes, class_mode="binary"))


def test_links_are_followed_on_demand(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    os.replace(folder / "cats/4.png", elsewhere / "4.png")
    os.symlink(elsewhere, folder / "cats/linked", target_is_directory=True)
    for follow_links, count in ((False, 14), (True, 15)):
        results = both(folder, follow_links=follow_links)
        assert_same(results)
        assert results[1][0].samples == count


def test_saved_pictures(folder, tmp_path):
    saved = []
    for module, name in ((classic, "classic"), (image, "ours")):
        (tmp_path / name).mkdir()
        np.random.seed(2)
        it = module.ImageDataGenerator(rotation_range=9).flow_from_directory(
            str(folder), target_size=(5, 4), batch_size=3, save_to_dir=str(tmp_path / name), save_prefix="q"
        )
        next(it)
        saved.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert len(saved[0]) == 3
    assert saved[1] == saved[0]


def test_what_it_prints(folder, capsys):
    both(folder)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == told[1] == "Found 15 images belonging to 3 classes."


def test_a_class_in_a_folder_in_a_folder(folder):
    # The classic takes 'young' for the name of the class and finds no number for it.
    it = image.ImageDataGenerator().flow_from_directory(folder, classes=["cats", "dogs/young"], shuffle=False)
    assert it.filenames[-1] == os.path.join("dogs/young", "y.png")
    assert it.classes.tolist() == [0] * 5 + [1] * 2


def test_keep_aspect_ratio(folder):
    it = image.ImageDataGenerator().flow_from_directory(
        folder, target_size=(3, 6), shuffle=False, class_mode=None, keep_aspect_ratio=True
    )
    whole = np.asarray(Image.open(folder / "cats/1.png"))
    np.testing.assert_array_equal(it[0][0], whole[2:5])


class Renamed(image.DirectoryIterator):
    """As third parties override it."""

    def _get_batches_of_transformed_samples(self, index_array):
        x, y = super()._get_batches_of_transformed_samples(index_array)
        return {"pictures": x}, {"class": y}


def test_overriding_what_makes_a_batch(folder):
    it = Renamed(str(folder), image.ImageDataGenerator(), target_size=(5, 4), batch_size=4)
    for x, y in (next(it), it[0]):
        assert x["pictures"].shape == (4, 5, 4, 3)
        assert y["class"].shape == (4, 3)


class Bare(image.BatchFromFilesMixin, image.Iterator):
    """A class that leaves out what the mixin needs."""


@pytest.mark.parametrize("name", ["filepaths", "labels", "sample_weight"])
def test_the_mixin_says_what_to_define(name):
    with pytest.raises(NotImplementedError, match=f"Bare must define the property {name}"):
        getattr(Bare(3, 1, False, None), name)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"class_mode": "categorial"}, "class_mode 'categorial'. Did you mean 'categorical'.*None gives pictures"),
        ({"class_mode": "raw"}, "class_mode 'raw'"),
        ({"color_mode": "bgr"}, "color_mode 'bgr'"),
        ({"target_size": 64}, "target_size must be .height, width"),
        ({"target_size": (64, 64, 3)}, "target_size must be"),
        ({"interpolation": "cubic"}, "interpolation 'cubic'. Did you mean 'bicubic'"),
        ({"classes": ["cat"]}, "class 'cat'. Did you mean 'cats'.*no such folder"),
        ({"subset": "val"}, "subset 'val'"),
        ({"subset": "validation"}, "nothing is held out"),
        ({"batch_size": 0}, "batch_size must be an integer of at least 1"),
    ],
)
def test_wrong_arguments(folder, given, message):
    with pytest.raises(ValueError, match=message):
        image.ImageDataGenerator().flow_from_directory(folder, **given)


def test_wrong_folders(folder, tmp_path):
    flow = image.ImageDataGenerator().flow_from_directory
    with pytest.raises(FileNotFoundError, match="nowhere' does not exist"):
        flow(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="notes.txt' is no folder"):
        flow(folder / "cats/notes.txt")
    with pytest.raises(ValueError, match=r"5 pictures lie in the folder itself.*classes=\['\.'\]"):
        flow(folder / "cats")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no pictures in.*Each class needs a folder"):
        flow(tmp_path / "empty")
    with pytest.raises(ValueError, match="too small a part of each class"):
        image.ImageDataGenerator(validation_split=0.1).flow_from_directory(folder, subset="validation")
    with pytest.raises(TypeError, match=r"list of names; got 'cats'. Write \['cats'\]"):
        flow(folder, classes="cats")


def test_doubtful_folders_warn(folder):
    flow = image.ImageDataGenerator().flow_from_directory
    with pytest.warns(UserWarning, match="meant for two classes, here are 3"):
        flow(folder, class_mode="binary")
    os.replace(folder / "cats/4.png", folder / "cats/4.tiff")
    with pytest.warns(UserWarning, match="tiff files of several bands"):
        flow(folder)


def test_a_damaged_file_is_named(folder):
    (folder / "emus/3.ppm").write_bytes(b"P6 7 6 255\nshort")
    it = image.ImageDataGenerator().flow_from_directory(folder, classes=["emus"])
    with pytest.raises(OSError, match=r"3\.ppm: cannot be read as a picture"):
        next(it)

"""Configurations that want to run, read, write or fetch something, brought in by every way that configurations come."""

import json
import re
import shutil
import zipfile

import numpy as np
import pytest

import hornbeam
from hornbeam import layers, models
from hornbeam.saving import ModelFileError
from security import hostile_configs
from security.watching import FolderWatch, watching

LAYERS = hostile_configs.hostile_layers("{secret}", "{mark}")
TRAININGS = hostile_configs.hostile_trainings("{secret}", "{mark}")
# An error of our own says what is wrong; one of these says that nobody thought of it.
UNTHOUGHT = re.compile(r"(Key|Attribute|Index|Recursion|Assertion|Memory|Unicode|Overflow|NotImplemented)\w*Error")


class Place:
    """A folder with files that nobody may touch, and one with good files to change."""

    def __init__(self, folder):
        self.secret_folder, self.work = folder / "secrets", folder / "work"
        self.secret_folder.mkdir()
        self.work.mkdir()
        self.secret, self.mark = self.secret_folder / "secret.txt", self.secret_folder / "mark"
        self.secret.write_text("mine\n")
        model = models.Sequential([layers.Dense(2, input_shape=(3,), name="good")])
        model.compile("sgd", "mse")
        self.architecture = json.loads(model.to_json())
        model.save(self.work / "good.h5")
        model.save(self.work / "good.keras")
        self._strip()
        self.watch = FolderWatch(self.secret_folder)

    def _strip(self):
        """Take our own manifests out of the good files: hostile files are made by strangers."""
        import h5py

        with h5py.File(self.work / "good.h5", "r+") as file:
            for name in [name for name in file.attrs if name.startswith("hornbeam")]:
                del file.attrs[name]
        with zipfile.ZipFile(self.work / "good.keras") as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        metadata = json.loads(members["metadata.json"])
        metadata.pop("hornbeam")
        self.members = {**members, "metadata.json": json.dumps(metadata).encode()}
        self.config = json.loads(members["config.json"])

    def filled(self, value):
        """The hostile thing with this place's paths."""
        text = json.dumps(value)
        return json.loads(text.replace("{secret}", str(self.secret)).replace("{mark}", str(self.mark)))

    def classic(self, entry):
        return {**self.architecture, "config": {"name": "model", "layers": [entry]}}

    def h5(self, architecture=None, training=None):
        import h5py

        path = self.work / "hostile.h5"
        shutil.copy(self.work / "good.h5", path)
        with h5py.File(path, "r+") as file:
            for name, value in (("model_config", architecture), ("training_config", training)):
                if value is not None:
                    file.attrs[name] = json.dumps(value).encode()
        return path

    def keras(self, entry=None, training=None):
        path = self.work / "hostile.keras"
        config = json.loads(json.dumps(self.config))
        if entry is not None:
            if isinstance(entry, dict) and "module" not in entry:
                entry = {"module": "keras.layers", "registered_name": None, **entry}
            config["config"]["layers"] = [config["config"]["layers"][0], entry]
        if training is not None:
            config["compile_config"] = training
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in {**self.members, "config.json": json.dumps(config)}.items():
                archive.writestr(name, content)
        return path


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("hostile"))
    for path in (place.h5(), place.keras()):  # whatever is imported when first needed is there now
        assert models.load_model(path).predict(np.ones((1, 3))).shape == (1, 2)
    for bad in (place.h5(place.classic({"class_name": "Denze", "config": {}})), place.work / "none.h5"):
        with pytest.raises(ModelFileError):
            models.load_model(bad)
    yaml = pytest.importorskip("yaml")
    models.model_from_yaml(yaml.safe_dump(place.classic(hostile_configs.dense(batch_input_shape=[None, 3]))))
    place.watch.seen()
    yield place
    place.watch.close()


def attempt(place, load, *allowed):
    """Carry out `load` under watch; gives its error, or None."""
    error = None
    with watching(*allowed) as events:
        try:
            load()
        except Exception as caught:
            error = caught
    assert events == []
    assert place.watch.seen() == []
    assert not place.mark.exists()
    return error


def check(name, error, kinds):
    if error is None:
        assert name in hostile_configs.MAY_LOAD, "it was accepted"
        return
    assert isinstance(error, kinds), f"{type(error).__name__}: {error}"
    text = str(error)
    assert len(text) > 20
    assert not UNTHOUGHT.search(text), text


CARRIERS = {
    "h5": lambda place, entry: models.load_model(place.h5(place.classic(entry))),
    "keras": lambda place, entry: models.load_model(place.keras(entry)),
    "json": lambda place, entry: models.model_from_json(json.dumps(place.classic(entry))),
    "yaml": lambda place, entry: models.model_from_yaml(json.dumps(place.classic(entry))),  # JSON is YAML too
    "config": lambda place, entry: models.Sequential.from_config({"name": "m", "layers": [entry]}),
    "deserialize": lambda place, entry: layers.deserialize(entry),
}


@pytest.mark.parametrize("name", LAYERS)
def test_hostile_layers(name, place):
    """One case a thing, and in it each carrier: they share one loader, and this proves it."""
    entry = place.filled(LAYERS[name])
    for carrier, load in CARRIERS.items():
        prepared = None
        if carrier in ("h5", "keras"):
            prepared = place.h5(place.classic(entry)) if carrier == "h5" else place.keras(entry)
            error = attempt(place, lambda p=prepared: models.load_model(p), prepared)
        else:
            error = attempt(place, lambda f=load: f(place, entry))
        try:
            check(name, error, ModelFileError if prepared else (ValueError, TypeError))
        except AssertionError as fault:
            raise AssertionError(f"by {carrier}: {fault}") from error


@pytest.mark.parametrize("name", TRAININGS)
def test_hostile_trainings(name, place):
    training = place.filled(TRAININGS[name])
    classic = {**training, "optimizer_config": training["optimizer"]}
    for path in (place.h5(training=classic), place.keras(training=training)):
        check(name, attempt(place, lambda p=path: models.load_model(p), path), ModelFileError)
        assert attempt(place, lambda p=path: models.load_model(p, compile=False), path) is None


def test_there_are_enough():
    assert len(LAYERS) + len(TRAININGS) >= 150
    assert hornbeam.__version__

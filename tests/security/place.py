"""A place for hostile files: good ones to change, secrets that nobody may open, and the watch over both."""

import json
import re
import shutil
import zipfile

import numpy as np

from hornbeam import layers, models
from security import hostile_configs
from security.watching import FolderWatch, watching

# An error of our own says what is wrong; one of these says that nobody thought of it.
UNTHOUGHT = re.compile(r"(Key|Attribute|Index|Recursion|Assertion|Memory|Unicode|Overflow|NotImplemented)\w*Error")

NOTHING = object()


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

    def keras(self, entry=NOTHING, training=None, members=None):
        path = self.work / "hostile.keras"
        config = json.loads(json.dumps(self.config))
        if entry is not NOTHING:
            if isinstance(entry, dict) and "module" not in entry:
                entry = {"module": "keras.layers", "registered_name": None, **entry}
            config["config"]["layers"] = [config["config"]["layers"][0], entry]
        if training is not None:
            config["compile_config"] = training
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in {**self.members, "config.json": json.dumps(config), **(members or {})}.items():
                archive.writestr(name, content)
        return path

    def warm(self):
        """Have all imported that is imported when first needed, so that nothing is while hostile files are read."""
        for path in (self.h5(), self.keras()):
            found = models.load_model(path).predict(np.ones((1, 3)))
            assert found.shape == (1, 2)
        for bad in (self.h5(self.classic({"class_name": "Denze", "config": {}})), self.work / "none.h5"):
            assert attempt(self, lambda p=bad: models.load_model(p), bad, strict=False) is not None
        models.model_from_yaml(json.dumps(self.classic(hostile_configs.dense())))  # JSON is YAML too
        for suffix in ("npz", "safetensors"):
            models.load_model(self.h5()).save_weights(self.work / f"good.{suffix}")
            models.load_model(self.h5()).load_weights(self.work / f"good.{suffix}")
        self.watch.seen()


def attempt(place, load, *allowed, strict=True):
    """Carry out `load` under watch; gives its error, or None."""
    error = None
    place.watch.seen()  # what was before is no concern
    with watching(*allowed) as events:
        try:
            load()
        except Exception as caught:
            error = caught
    assert events == [] or not strict, events
    seen = place.watch.seen()
    assert seen == [], seen
    assert not place.mark.exists()
    return error


def check(error, kinds):
    assert error is not None, "it was accepted"
    assert isinstance(error, kinds), f"{type(error).__name__}: {error}"
    text = str(error)
    assert len(text) > 20, text
    assert not UNTHOUGHT.search(text), text

"""Configurations that want to run, read, write or fetch something, brought in by every way that configurations come."""

import json
import warnings

import pytest

from hornbeam import layers, models
from hornbeam.saving import ModelFileError
from security import hostile_configs
from security.place import attempt, check

LAYERS = hostile_configs.hostile_layers("{secret}", "{mark}")
TRAININGS = hostile_configs.hostile_trainings("{secret}", "{mark}")
GRAPHS = hostile_configs.hostile_graphs()

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
        if error is None and carrier != "h5" and name in hostile_configs.MAY_WAIT:
            continue
        try:
            check(error, ModelFileError if prepared else (ValueError, TypeError))
        except AssertionError as fault:
            raise AssertionError(f"by {carrier}: {fault}") from error


@pytest.mark.parametrize("name", TRAININGS)
def test_hostile_trainings(name, place):
    training = place.filled(TRAININGS[name])
    classic = {**training, "optimizer_config": training["optimizer"]}
    for path in (place.h5(training=classic), place.keras(training=training)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an optimizer that is not known is told by a warning, and is not made
            loaded = []
            error = attempt(place, lambda p=path, into=loaded: into.append(models.load_model(p)), path)
            assert attempt(place, lambda p=path: models.load_model(p, compile=False), path) is None
        if loaded:
            assert loaded[0].optimizer is None
        else:
            check(error, ModelFileError)


@pytest.mark.parametrize("name", GRAPHS)
def test_hostile_graphs(name, place):
    path = place.h5({**place.architecture, **GRAPHS[name]})
    check(attempt(place, lambda: models.load_model(path), path), ModelFileError)
    if name not in ("not a model", "huge weights"):  # a text may describe a layer, and a model of any size
        config = GRAPHS[name]
        check(attempt(place, lambda: models.model_from_config(config)), (ValueError, TypeError))


def test_there_are_enough():
    assert len(LAYERS) + len(TRAININGS) + len(GRAPHS) >= 150

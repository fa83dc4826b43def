"""What the making scripts share: weights that hide nothing, and a model's file beside its inputs and outputs.

Runs under every Python from 3.6 on, with whichever Keras is there.
"""

import os

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def inner_layers(model):
    """All layers inside `model`, nested ones too."""
    found = []
    for layer in getattr(model, "flattened_layers", None) or getattr(model, "layers", []):
        found.append(layer)
        found.extend(inner_layers(layer))
        if hasattr(layer, "layer"):
            found.extend([layer.layer] + inner_layers(layer.layer))
    return found


def fill(model, seed=0):
    """Give every weight random values; BatchNormalization positive ones, since a variance is among them."""
    draw = np.random.RandomState(seed)
    model.set_weights([draw.uniform(-0.7, 0.7, w.shape).astype(w.dtype) for w in model.get_weights()])
    for layer in inner_layers(model):
        if "BatchNorm" in type(layer).__name__:
            layer.set_weights([np.abs(w) + 0.1 for w in layer.get_weights()])


def data(*shapes, **settings):
    """Arrays of inputs; with `ids`, whole numbers from 0 to ids - 1."""
    draw = np.random.RandomState(settings.get("seed", 1))
    if "ids" in settings:
        return [draw.randint(0, settings["ids"], shape).astype("int32") for shape in shapes]
    return [draw.uniform(-1, 1, shape).astype("float32") for shape in shapes]


def keep(model, name, inputs, outputs=None, weights_only=False, folder=HERE, suffix=".h5", **settings):
    """Write `name` + suffix, and `name`.npz with the inputs (x0, x1 ...) and what the model predicts (y0, y1 ...)."""
    path = os.path.join(folder, name + suffix)
    if weights_only:
        model.save_weights(path)
        with open(os.path.join(folder, name + ".json"), "w") as file:
            file.write(model.to_json())
    else:
        model.save(path, **settings)
    if outputs is None:
        predicted = model.predict(inputs if len(inputs) > 1 else inputs[0], batch_size=len(inputs[0]))
        outputs = predicted if isinstance(predicted, (list, tuple)) else [predicted]
    arrays = {f"x{i}": x for i, x in enumerate(inputs)}
    arrays.update((f"y{i}", np.asarray(y, "float32")) for i, y in enumerate(outputs))
    np.savez_compressed(os.path.join(folder, name + ".npz"), **arrays)
    print(name)


def run(recipes, title):
    """Make the files of all recipes; each starts from an empty session. Names begin with `title`."""
    import keras

    for recipe in recipes:
        if hasattr(keras.backend, "clear_session"):
            keras.backend.clear_session()
        recipe(f"{title}_{recipe.__name__}")

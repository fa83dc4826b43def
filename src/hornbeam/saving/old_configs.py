"""Configurations of Keras 1.x, 2.0 to 2.3 and tf.keras 2.x, made into classic 2.2.4 ones.

Everything here works on plain data: the names of Keras 1 come from the tables in hornbeam/legacy.py, lists of layers
become dicts, `Merge` becomes the layer that does what its mode did, a Sequential that begins with a `Merge` becomes a
graph, and what TensorFlow's Keras added is taken out again.
"""

from typing import Any

from hornbeam import legacy

# Arguments that say nothing about what a layer computes, or say it of a machine.
_IDLE = (
    "input_dtype", "ragged", "time_major", "zero_output_for_mask", "build_config", "renorm", "fused",
    "virtual_batch_size", "quantization_config", "module", "registered_name", "shared_object_id",
)  # fmt: skip
# Layer -> arguments it has no more, and that change nothing once the weights are read.
_IDLE_OF = {
    "SimpleRNN": ("implementation",),
    "SimpleRNNCell": ("implementation",),
    "ConvLSTM2D": ("implementation", "unroll"),
    "ConvLSTM2DCell": ("implementation",),
    "LocallyConnected1D": ("implementation",),
    "LocallyConnected2D": ("implementation",),
    "Embedding": ("sparse",),
    "Highway": ("transform_bias",),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), ("groups",)),
    "MultiHeadAttention": ("query_shape", "key_shape", "value_shape"),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"),
                    ("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint")),
}
# Layers of Keras 1 whose configuration forgot in which order the axes of its inputs were.
_FORGETFUL = ("ZeroPadding2D", "ZeroPadding3D", "UpSampling2D", "UpSampling3D", "Cropping2D", "Cropping3D")
_MODELS = ("Sequential", "Model", "Functional")
_TF_NAMES = {
    "Functional": "Model", "BatchNormalizationV1": "BatchNormalization", "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization", "LSTMV1": "LSTM", "LSTMV2": "LSTM", "GRUV1": "GRU",
    "GRUV2": "GRU", "LSTMCellV2": "LSTMCell", "GRUCellV2": "GRUCell", "DenseV1": "Dense",
}  # fmt: skip
# Functions of TensorFlow that a graph may hold between layers -> (word, names of its arguments).
_TF_WORDS = {
    "__operators__.add": ("add", "xy"), "math.add": ("add", "xy"), "math.subtract": ("subtract", "xy"),
    "math.multiply": ("multiply", "xy"), "math.truediv": ("divide", "xy"), "math.divide": ("divide", "xy"),
    "math.negative": ("neg", "x"), "math.maximum": ("maximum", "xy"), "math.minimum": ("minimum", "xy"),
    "math.abs": ("abs", "x"), "math.exp": ("exp", "x"), "math.log": ("log", "x"), "math.sqrt": ("sqrt", "x"),
    "math.square": ("square", "x"), "math.sigmoid": ("sigmoid", "x"), "math.tanh": ("tanh", "x"),
    "math.sin": ("sin", "x"), "math.cos": ("cos", "x"), "nn.relu": ("relu", "x"), "nn.softmax": ("softmax", "x"),
    "nn.sigmoid": ("sigmoid", "x"), "nn.tanh": ("tanh", "x"), "nn.softplus": ("softplus", "x"),
    "linalg.matmul": ("dot", "xy"),
}  # fmt: skip


def upgrade(architecture, origin):
    """The configuration of a whole model as Keras 2.2.4 would have written it.

    Args:
        architecture: {'class_name', 'config'} as the file has it; `config` of a Sequential may be a list.
        origin: Origin; its keras_version says how old the file is.

    Returns:
        {'class_name', 'config', ...}, a new one.

    Raises:
        ValueError: something in it has no counterpart; says which layer.
    """
    if not isinstance(architecture, dict) or "class_name" not in architecture:
        return architecture
    rest = {key: value for key, value in architecture.items() if key not in ("class_name", "config")}
    if origin.version[0] <= 1:
        architecture = _with_order(architecture)
    return {**rest, **_entry({k: architecture[k] for k in ("class_name", "config") if k in architecture}, origin)}


def upgrade_training(training, origin):
    """How a model was compiled, as Keras 2.2.4 would have written it.

    Args:
        training: {'optimizer', 'loss', 'metrics', ...} as the file has it, or None.
        origin: Origin of the file.
    """
    if not isinstance(training, dict) or origin.version[0] >= 3:
        return training
    found = {**training, "loss": _formula(training.get("loss"))}
    for part in ("metrics", "weighted_metrics"):
        metrics = _formula(training.get(part))
        alone = isinstance(metrics, list) and len(metrics) == 1 and isinstance(metrics[0], list)
        found[part] = metrics[0] if alone else metrics
    return found


def _formula(value) -> Any:
    """Losses and metrics without what TensorFlow wrote about them: functions by their names, the rest as it is."""
    if isinstance(value, list):
        return [_formula(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "class_name" not in value:
        return {key: _formula(item) for key, item in value.items()}
    config = dict(value.get("config") or {})
    if value["class_name"] in ("MeanMetricWrapper", "LossFunctionWrapper"):
        return config.get("name") or config.get("fn")
    config.pop("fn", None)
    if config.get("reduction") == "auto":
        del config["reduction"]
    return {"class_name": value["class_name"], "config": config}


def _with_order(architecture) -> Any:
    """`architecture` with the order of axes that all other layers have where Keras 1 forgot to write it."""
    orders = set()

    def look(value):
        if isinstance(value, dict):
            orders.update([value["dim_ordering"]] if isinstance(value.get("dim_ordering"), str) else ())
            value = list(value.values())
        for item in value if isinstance(value, list) else ():
            look(item)

    def write(value) -> Any:
        if isinstance(value, list):
            return [write(item) for item in value]
        if not isinstance(value, dict):
            return value
        value = {key: write(item) for key, item in value.items()}
        if value.get("class_name") in _FORGETFUL and isinstance(value.get("config"), dict):
            value["config"].setdefault("dim_ordering", *orders)
        return value

    look(architecture)
    return write(architecture) if len(orders) == 1 else architecture


# --- One layer ---


def _entry(entry, origin) -> dict:
    """A layer's entry, upgraded; `name` and `inbound_nodes` stay beside it."""
    if not isinstance(entry, dict) or "class_name" not in entry:
        return entry
    name = str(entry["class_name"])
    name = _TF_NAMES.get(name, legacy.CLASSES.get(name, name))
    config = entry.get("config")
    config = dict(config) if isinstance(config, dict) else config
    found = {k: v for k, v in entry.items() if k not in _IDLE}
    if name in _MODELS:
        return {**found, **_model(name, config, origin)}
    if not isinstance(config, dict):
        return {**found, "class_name": name}
    if name == "TimeDistributedDense":
        name, config = "TimeDistributed", _around_dense(config)
    if name == "Merge":
        name, config = _merge(config)
    return {**found, "class_name": name, "config": _settings(name, config, origin)}


def _settings(name, config, origin):
    """Arguments of one layer."""
    where = f"layer {config.get('name')!r} ({name})"
    if config.get("time_major"):
        raise ValueError(f"{where}: time_major=True has no counterpart. Put Permute layers around it, batch first.")
    idle = {*_IDLE, *_IDLE_OF.get(name, ())}
    dtype = config.get("dtype") or (config.get("input_dtype") if name == "InputLayer" else None)
    config = {key: value for key, value in config.items() if key not in idle}
    if origin.version[0] <= 1:
        config = _keras_1_settings(name, config, where)
    if name == "Flatten":
        config.setdefault("data_format", "channels_last")  # before 2.2.0 rows were laid out as they are
    config.pop("dtype", None)
    if dtype is not None and not _is_of_inputs(dtype, config):
        config["dtype"] = _dtype(dtype)
    return {key: _value(key, value, origin) for key, value in config.items()}


def _value(key, value, origin):
    """An argument: layers inside it upgraded, objects of Keras 1 in today's form, NumPy's numbers as numbers."""
    if isinstance(value, list):
        return [_value(key, item, origin) for item in value]
    if value == "relu6_sigmoid" and origin.format == "keras":  # read as one of Keras 3, where hard_sigmoid is another
        return "hard_sigmoid"
    if not isinstance(value, dict):
        return value
    if key in ("layer", "backward_layer", "cell", "cells") and "class_name" in value:
        return _entry(value, origin)
    if set(value) == {"type", "value"} or value.get("class_name") == "__numpy__":  # TensorFlow's way with one number
        return value.get("value", value.get("config", {}).get("value"))
    if "class_name" in value and "config" in value:
        return {"class_name": str(value["class_name"]).rsplit(">", 1)[-1], "config": value["config"]}
    return value


def _is_of_inputs(dtype, config):
    """Whole numbers for a layer that draws weights: once the type of what an Embedding reads, not of its rows."""
    return isinstance(dtype, str) and "int" in dtype and any(key.endswith("_initializer") for key in config)


def _dtype(value):
    """'float32' of a policy: weights have its variable type, and so has the computation here."""
    if isinstance(value, dict):
        value = (value.get("config") or {}).get("name", "float32")
    return "float32" if str(value).startswith("mixed") else value


# --- Keras 1 ---

_PENALTIES = ("WeightRegularizer", "ActivityRegularizer", "L1L2Regularizer")
_LIMITS = {"MaxNorm": {"m": "max_value", "axis": "axis"}, "NonNeg": {}, "UnitNorm": {"axis": "axis"}}


def _keras_1_settings(name, config, where):
    for key, value in config.items():
        if isinstance(value, dict) and "name" in value and "class_name" not in value:
            config[key] = _keras_1_object(value, where)
    if name != "Embedding":
        for key in ("input_dim", "input_length"):
            config.pop(key, None)  # batch_input_shape says it, where it is the first layer
    config.pop("weights", None)
    if name == "Embedding":
        config.pop("dropout", None)  # nothing is dropped from a model that predicts
    for key in ("trainable_weights", "output_shape") if name != "Lambda" else ():
        config.pop(key, None)
    if name == "BatchNormalization" and config.get("mode", 0) not in (0, None):
        raise ValueError(f"{where} has mode={config['mode']}, which is gone: only mode 0 can be read.")
    return legacy.renamed(name, config, _OWN.get(name, ()))


_OWN = {"Embedding": ("output_dim", "input_dim")}


def _keras_1_object(value, where):
    """A regularizer or constraint {'name': ..., its numbers}."""
    name = value["name"]
    if name in _PENALTIES:
        return {"class_name": "L1L2", "config": {"l1": float(value.get("l1", 0)), "l2": float(value.get("l2", 0))}}
    if name in _LIMITS:
        config = {new: value[old] for old, new in _LIMITS[name].items() if old in value}
        return {"class_name": name, "config": config}
    raise ValueError(f"{where} has a {name}, which is gone with Keras 1.")


def _around_dense(config):
    """TimeDistributedDense as TimeDistributed(Dense)."""
    outer = ("name", "trainable", "batch_input_shape", "input_dtype")
    inner = {key: value for key, value in config.items() if key not in (*outer, "input_length")}
    inner["name"] = f"{config.get('name')}_dense"
    return {**{k: config[k] for k in outer if k in config}, "layer": {"class_name": "Dense", "config": inner}}


def _merge(config):
    """(class, arguments) of a Merge layer."""
    if config.get("mode_type", "raw") != "raw":
        raise ValueError(
            f"layer {config.get('name')!r} (Merge) merges by a function, and a file's functions are not run. Give the "
            f"model a Lambda layer or a layer of your own in its place."
        )
    name, arguments = legacy.merge_class(config.get("mode"), config.get("concat_axis", -1), config.get("dot_axes", -1))
    return name, {"name": config.get("name"), **arguments}


# --- Whole models ---


def _model(name, config, origin) -> dict:
    if name == "Sequential":
        layers = config if isinstance(config, list) else list((config or {}).get("layers", []))
        if layers and isinstance(layers[0], dict) and layers[0].get("class_name") == "Merge":
            return {"class_name": "Model", "config": _graph_of_stacks(layers, origin)}
        rest = {k: v for k, v in config.items() if k != "layers"} if isinstance(config, dict) else {}
        return {"class_name": name, "config": {**rest, "layers": [_entry(layer, origin) for layer in layers]}}
    if not isinstance(config, dict) or "layers" not in config:
        return {"class_name": name, "config": config}
    return {"class_name": name, "config": _graph(config, origin)}


def _graph(config, origin):
    """A functional model's configuration."""
    names = {entry.get("name") or entry.get("config", {}).get("name") for entry in config["layers"]}
    layers = []
    for entry in config["layers"]:
        entry = {"name": entry.get("config", {}).get("name"), "inbound_nodes": [], **entry}
        if entry["class_name"] in ("TFOpLambda", "SlicingOpLambda"):
            layers += _operations(entry, names)
            continue
        made = _entry(entry, origin)
        made["inbound_nodes"] = [_call(call, names) for call in entry["inbound_nodes"]]
        layers += _split_cosine(entry, made)
    rest = {k: v for k, v in config.items() if k not in _IDLE}
    ends = {k: _rows(config.get(k)) for k in ("input_layers", "output_layers")}
    for entry in layers:
        if entry["class_name"] in _MODELS:
            _count_from_0(entry, layers, ends)
    return {**rest, "layers": layers, **ends}


def _count_from_0(model, layers, ends):
    """Number the calls of a model inside a graph from 0, where Keras began with 1: its own making was number 0."""
    places = [row for entry in layers for call in entry["inbound_nodes"] for row in _places(call)]
    places += [row for rows in ends.values() for row in rows or ()]
    places = list({id(row): row for row in places if row[0] == model["name"]}.values())
    if any(row[1] >= len(model["inbound_nodes"]) for row in places):
        for row in places:
            row[1] -= 1


def _places(call):
    """The lists [layer, node, tensor, ...] in a call."""
    if isinstance(call, dict):
        return [row for key, item in call.items() for row in ([item] if key == "__tensor__" else _places(item))]
    if isinstance(call, list) and call and isinstance(call[0], str) and len(call) > 2:
        return [call, *_places(call[3:])]
    return [row for item in call for row in _places(item)] if isinstance(call, list) else []


def _rows(places):
    """[[layer, node, tensor], ...], however they came: one alone, or by name."""
    if isinstance(places, dict):
        places = list(places.values())
    return [list(row) for row in ([places] if places and isinstance(places[0], str) else places or ())]


def _call(call, names):
    """One call of a layer; tensors among its keyword arguments are marked as such."""
    if isinstance(call, dict):  # a word of the vocabulary, as this house writes it
        return call
    rows = [call] if call and isinstance(call[0], str) else call
    found = []
    for row in rows:
        kwargs = {k: _tensors(v, names) for k, v in (row[3] if len(row) > 3 else {}).items()}
        found.append([*row[:3], {k: v for k, v in kwargs.items() if v is not None}])
    return found


def _tensors(value, names) -> Any:
    if isinstance(value, list):
        if len(value) in (3, 4) and value[0] in names and all(isinstance(n, int) for n in value[1:3]):
            return {"__tensor__": list(value[:3])}
        if len(value) == 3 and value[0] == "_CONSTANT_VALUE":
            return value[2]
        return [_tensors(item, names) for item in value]
    if isinstance(value, dict) and "__tensor__" not in value:
        return {key: _tensors(item, names) for key, item in value.items()}
    return value


def _operations(entry, names):
    """The words that stand for a function of TensorFlow, one for each of its calls."""
    function = entry.get("config", {}).get("function")
    if function not in _TF_WORDS or len(entry["inbound_nodes"]) != 1:
        raise ValueError(
            f"layer {entry['name']!r} is the function {function!r} of TensorFlow, which has no counterpart here. Put "
            f"it into a layer of your own before saving."
        )
    word, arguments = _TF_WORDS[function]
    rows = entry["inbound_nodes"][0]
    rows = [rows] if isinstance(rows[0], str) else rows
    values = []
    for row in rows:
        settings = {k: _tensors(v, names) for k, v in (row[3] if len(row) > 3 else {}).items() if k != "name"}
        values.append(row[2] if row[0] == "_CONSTANT_VALUE" else {"__tensor__": list(row[:3])})
        values += [settings[a] for a in (*arguments[1:], "b") if a in settings]
    return [{"name": entry["name"], "class_name": "Operation", "config": {"name": entry["name"], "word": word},
             "inbound_nodes": [{"args": values[: len(arguments)], "kwargs": {}}]}]  # fmt: skip


def _split_cosine(entry, made):
    """The cosine of Keras 1 came as (B, 1, 1): a Dot of that name, and a Reshape after it that takes the name over."""
    if entry["class_name"] != "Merge" or entry["config"].get("mode") != "cos":
        return [made]
    name = made["config"]["name"]
    dot = {**made, "name": f"{name}_cosine", "config": {**made["config"], "name": f"{name}_cosine"}}
    calls = [[[dot["name"], i, 0, {}]] for i in range(len(made["inbound_nodes"]))]
    return [dot, {"name": name, "class_name": "Reshape", "config": {"name": name, "target_shape": [1, 1]},
                  "inbound_nodes": calls}]  # fmt: skip


# --- A Sequential that begins with a Merge ---


def _graph_of_stacks(layers, origin):
    """The graph that a Sequential [Merge([stack, stack], ...), layer, ...] is."""
    found, inputs = [], []
    last = _chain(layers, found, inputs, origin)
    return {"name": "sequential", "layers": found, "input_layers": inputs, "output_layers": [last]}


def _chain(layers, found, inputs, origin):
    """Append the layers of one stack to `found`, its inputs to `inputs`; the place of its output."""
    first, rest = layers[0], layers[1:]
    if first["class_name"] == "Merge":
        branches = [_branch(entry, found, inputs, origin) for entry in first["config"]["layers"]]
        place = _append(first, branches, found, origin)
    else:
        shape = (first["config"] if isinstance(first["config"], dict) else {}).get("batch_input_shape")
        if shape is None:
            raise ValueError(f"layer {first['config'].get('name')!r} begins a branch, but does not tell its shape.")
        name = f"{first['config']['name']}_input"
        config = {"name": name, "batch_input_shape": shape, "dtype": first["config"].get("input_dtype") or "float32"}
        found.append({"name": name, "class_name": "InputLayer", "config": config, "inbound_nodes": []})
        inputs.append([name, 0, 0])
        place = _append(first, [[name, 0, 0]], found, origin)
    for entry in rest:
        place = _append(entry, [place], found, origin)
    return place


def _branch(entry, found, inputs, origin):
    """One of the things a Merge joins: a stack, laid out flat, or a model or layer as it is."""
    config = entry["config"]
    if entry["class_name"] == "Sequential":
        return _chain(config if isinstance(config, list) else config["layers"], found, inputs, origin)
    if entry["class_name"] in ("Model", "Functional"):
        raise ValueError(f"layer {config.get('name')!r}: a functional model inside a Merge cannot be read.")
    return _chain([entry], found, inputs, origin)


def _append(entry, places, found, origin):
    made = _entry(entry, origin)
    config = made["config"]
    name = config.get("name") if isinstance(config, dict) and config.get("name") else f"model_{len(found)}"
    if isinstance(config, dict):
        config["name"] = name
    same = next((e for e in found if e["name"] == name), None)
    call = [[*place, {}] for place in places]
    if same is not None:  # a layer that two branches share
        same["inbound_nodes"].append(call)
        return [name, len(same["inbound_nodes"]) - 1, 0]
    made = {**made, "name": name, "inbound_nodes": [call]}
    found.extend(_split_cosine(entry, made))
    return [name, 0, 0]

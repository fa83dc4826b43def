"""Configurations of models: the classic ones (as Keras 2 writes them) in Keras 3's form, and back.

Nothing is imported or looked up by what a configuration says: classes out of 'keras.layers' are compared with a table,
all other names go on as they are, for the registry to know or not.
"""

from hornbeam.saving.errors import ModelFileError
from hornbeam.saving.keras3_calls import (
    arguments_from_keras3,
    call_from_keras3,
    call_to_keras3,
    legal,
    value_to_keras3,
)
from hornbeam.saving.keras3_graph import layers_in_order, places_of
from hornbeam.saving.keras3_objects import POLICIES, is_object, public, setting_from_keras3, setting_to_keras3
from hornbeam.saving.keras3_operations import from_operation, to_operation
from hornbeam.saving.keras3_training import training_from_keras3, training_to_keras3
from hornbeam.saving.keras3_weights import OWN, is_graph
from hornbeam.saving.stored import CLASSIC_VERSION

KERAS_VERSION = "3.12.0"  # what files say: its layout is read by every Keras 3 from 3.0 on

# Classes with weights of a layout of their own, or without a counterpart, that only this house reads.
_OURS_ALONE = {
    "ThresholdedReLU", "LocallyConnected1D", "LocallyConnected2D", "MaxoutDense", "Highway", "Operation",
    "ConvLSTM2DCell",
}  # fmt: skip
_HOLDERS = {"Bidirectional", "TimeDistributed", "Wrapper", "RNN", "StackedRNNCells", "SimpleRNN", "GRU", "LSTM",
            "ConvLSTM2D", "MultiHeadAttention"}  # fmt: skip
SHARED = (set(OWN) | _HOLDERS) - _OURS_ALONE
_INNER = ("layer", "backward_layer", "cell")  # settings that hold a layer

# Settings that Keras 3 does not take.
_DROPPED = {
    **dict.fromkeys(("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"), ("trainable",)),
    "Cropping1D": ("data_format",),
    "Lambda": ("function_type", "output_shape_type"),
}
_ALWAYS_DROPPED = ("batch_input_shape", "input_length", "implementation", "use_cudnn")

# --- To Keras 3 ---


def to_keras3(architecture, training=None):
    """The configuration of a model in Keras 3's form, as it stands in config.json.

    Args:
        architecture: classic configuration {'class_name', 'config'}.
        training: classic training configuration, or None.
    """
    found = layer_to_keras3(in_keras3_order(architecture))
    if training is not None:
        compiled = training_to_keras3(training, architecture)
        if compiled is not None:
            found["compile_config"] = compiled
    return found


def in_keras3_order(entry):
    """The same configuration with the layers of every functional model in the order that Keras 3 will give them."""
    config = entry.get("config")
    if not isinstance(config, dict):
        return {**entry, "config": {"layers": [in_keras3_order(e) for e in config]}} if config else entry
    config = dict(config)
    for name in _INNER:
        if is_object(config.get(name)):
            config[name] = in_keras3_order(config[name])
    if is_graph({"config": config}):
        sorted_layers = layers_in_order(config, as_keras3=True)
        names = {e["name"] for e in sorted_layers}
        config["layers"] = [*sorted_layers, *(e for e in config["layers"] if e["name"] not in names)]
    if isinstance(config.get("layers"), list):
        config["layers"] = [in_keras3_order(e) for e in config["layers"]]
    return {**entry, "config": config}


def layer_to_keras3(entry):
    """A layer or model in Keras 3's form; one that Keras 3 does not have keeps its name under the module 'hornbeam'."""
    class_name, config = entry["class_name"], entry["config"]
    if is_graph(entry):
        return _graph_to_keras3(entry)
    if class_name == "Sequential":
        return public("keras", "Sequential", _stack_to_keras3(config))
    settings = {}
    for name, value in config.items():
        if name in _ALWAYS_DROPPED or name in _DROPPED.get(class_name, ()):
            continue
        if name in _INNER and is_object(value):
            settings[name] = layer_to_keras3(value)
        elif name in ("cells", "cell") and isinstance(value, list):
            settings[name] = [layer_to_keras3(cell) for cell in value]
        else:
            settings[name] = setting_to_keras3(name, value)
    if "name" in settings:
        settings["name"] = legal(settings["name"])
    _with_own_settings(class_name, config, settings)
    if class_name in SHARED:
        return public("keras.layers", class_name, settings)
    registered = class_name if ">" in class_name else None
    return {"module": "hornbeam.layers", "class_name": class_name.rsplit(">", 1)[-1], "config": settings,
            "registered_name": registered}  # fmt: skip


def _with_own_settings(class_name, config, settings):
    """Settings that are called or formed otherwise in Keras 3."""
    if class_name == "InputLayer":
        settings["batch_shape"] = config["batch_input_shape"]
    if class_name == "LeakyReLU":
        slope = settings.pop("alpha", None)
        settings["negative_slope"] = settings.get("negative_slope") if slope is None else slope
    if class_name == "Lambda":
        for name in ("function", "output_shape", "mask"):
            if isinstance(settings.get(name), str):
                function = settings[name]
                settings[name] = {"module": "builtins", "class_name": "function", "config": function,
                                  "registered_name": function}  # fmt: skip


def _stack_to_keras3(config):
    layers = [layer_to_keras3(e) for e in config["layers"]]
    shape = config.get("build_input_shape")
    if shape and config["layers"] and config["layers"][0]["class_name"] != "InputLayer":
        name, dtype = legal(_name_of(config["layers"][0])), _input_dtype(config["layers"][0])
        first = {"batch_shape": shape, "dtype": dtype, "sparse": False, "name": f"{name}_input"}
        layers.insert(0, public("keras.layers", "InputLayer", first))
    found = {"name": legal(config.get("name") or "sequential"), "trainable": config.get("trainable", True)}
    return {**found, "layers": layers, **({"build_input_shape": shape} if shape else {})}


def _name_of(entry):
    config = entry["config"]
    return (config.get("name") if isinstance(config, dict) else None) or entry["class_name"].lower()


def _input_dtype(entry):
    """Type of what a stack beginning with this layer is fed."""
    config = entry["config"]
    if is_graph(entry):
        first = places_of(config["input_layers"])[0][0]
        return _input_dtype(next(e for e in config["layers"] if e["name"] == first))
    if entry["class_name"] == "Sequential":
        layers = config["layers"] if isinstance(config, dict) else config
        return _input_dtype(layers[0]) if layers else "float32"
    if entry["class_name"] == "Embedding":
        return "int32"
    dtype = config.get("dtype") or "float32"
    return "float32" if dtype in POLICIES else dtype


def _graph_to_keras3(entry):
    config = entry["config"]
    graphs = {e["name"] for e in config["layers"] if is_graph(e)}
    layers = []
    for inner in config["layers"]:
        calls = inner.get("inbound_nodes") or []
        if inner["class_name"] == "Operation":
            layers.append(_word_to_keras3(inner))
            continue
        made = layer_to_keras3(inner)
        nodes = [call_to_keras3(inner, call) for call in calls]
        layers.append({**made, "name": legal(inner["name"]), "inbound_nodes": nodes})
        layers[-1]["config"]["name"] = layers[-1]["name"]

    def place(value):
        if isinstance(value[0], list):
            return [place(item) for item in value]
        # Keras counts calls of functional models from 1 here (but not in the calls themselves).
        return [legal(value[0]), value[1] + (value[0] in graphs), value[2]]

    def all_places(value):
        return place(value[0] if isinstance(value[0], list) and len(value) == 1 else value)  # one is no list there

    settings = {
        "name": legal(config.get("name") or "functional"), "trainable": config.get("trainable", True),
        "layers": layers, "input_layers": all_places(config["input_layers"]),
        "output_layers": all_places(config["output_layers"]),
    }  # fmt: skip
    if entry["class_name"] in ("Model", "Functional", "Sequential"):
        return public("keras.src.models.functional", "Functional", settings)
    return {"module": "hornbeam.models", "class_name": entry["class_name"].rsplit(">", 1)[-1], "config": settings,
            "registered_name": entry["class_name"]}  # fmt: skip


def _word_to_keras3(entry):
    node = entry["inbound_nodes"][0]
    made = to_operation(entry["config"]["word"], list(node["args"]), node["kwargs"])
    if made is None:
        return {"module": "hornbeam", **entry, "registered_name": None}
    module, class_name, settings, operands = made
    name = legal(entry["name"])
    config = {"name": name, **settings}
    nodes = [{"args": value_to_keras3(operands), "kwargs": {}}]
    return {"module": module, "class_name": class_name, "config": config, "registered_name": class_name, "name": name,
            "inbound_nodes": nodes}  # fmt: skip


# --- From Keras 3 ---


def from_keras3(config):
    """The classic configuration of a model or layer in Keras 3's form.

    Raises:
        ModelFileError: it holds a layer, an operation or a type that is not supported; names it.
    """
    if not is_object(config):
        raise ModelFileError(None, "the configuration has no 'class_name' and 'config'", "It is not one of Keras 3.")
    found = layer_from_keras3(config)
    return {**found, "keras_version": CLASSIC_VERSION, "backend": ""}


def training_of(config):
    """The classic training configuration that stands in a Keras 3 configuration of a model, or None."""
    compiled = config.get("compile_config")
    outputs = config["config"].get("output_layers") if isinstance(config.get("config"), dict) else None
    names = sorted(outputs) if isinstance(outputs, dict) else [p[0] for p in places_of(outputs or [])]
    return training_from_keras3(compiled, names) if compiled else None


def layer_from_keras3(entry):
    """A layer or model in its classic form."""
    if not is_object(entry):
        raise ModelFileError(None, f"{str(entry)[:80]!r} stands in the place of a layer", "The file is damaged.")
    class_name, module = str(entry["class_name"]), str(entry.get("module") or "")
    config = entry["config"]
    if not isinstance(config, dict):
        raise ModelFileError(None, f"the configuration of a {class_name} is not a dict", "The file is damaged.")
    own_keras = module == "keras" or module.startswith("keras.")
    if "layers" in config and "input_layers" in config:
        made = _graph_from_keras3(config)
        return {"class_name": "Model" if own_keras else entry.get("registered_name") or class_name, "config": made}
    if class_name == "Sequential" and "layers" in config:
        return {"class_name": "Sequential", "config": _stack_from_keras3(config)}
    owner = config.get("name") or class_name
    if own_keras and class_name not in SHARED:
        raise ModelFileError(
            None,
            f"the layer {owner!r} is of the class {class_name!r}, which is not supported",
            f"Write a class {class_name!r} of your own, registered with @register_keras_serializable(), save the model "
            f"in Keras with it in the layer's place, and load it with custom_objects={{{class_name!r}: ...}}.",
        )
    name = class_name if own_keras else entry.get("registered_name") or class_name
    return {"class_name": name, "config": _settings_from_keras3(name, config, owner)}


# Settings of Keras 3 that ask for nothing at these values, and are refused at others.
_HARMLESS = {
    "quantization_config": (None,), "renorm": (False,), "renorm_clipping": (None,), "renorm_momentum": None,
    "rms_scaling": (False,), "zero_output_for_mask": None, "lora_rank": None, "lora_alpha": None, "ragged": (False,),
    "optional": (False,), "quantization_mode": (None,), "tables": None,
}  # fmt: skip


def _settings_from_keras3(class_name, config, owner):
    settings = {}
    for name, value in config.items():
        if name in _HARMLESS and class_name in SHARED:
            allowed = _HARMLESS[name]
            if allowed is not None and value not in allowed:
                raise ModelFileError(
                    None,
                    f"the layer {owner!r} ({class_name}) has {name}={value!r}, which is not supported",
                    "Save the model in Keras without that.",
                )
        elif name in _INNER and is_object(value):
            settings[name] = layer_from_keras3(value)
        elif name in ("cells", "cell") and isinstance(value, list):
            settings[name] = [layer_from_keras3(cell) for cell in value]
        else:
            settings[name] = setting_from_keras3(name, value, owner)
    if class_name == "InputLayer":
        shape = settings.pop("batch_shape", None)
        settings = {"batch_input_shape": shape or settings.pop("batch_input_shape", None), **settings}
        settings = {k: settings[k] for k in ("batch_input_shape", "dtype", "sparse", "name") if k in settings}
    if class_name == "EinsumDense" and settings.get("activity_regularizer", "") is None:
        del settings["activity_regularizer"]
    if class_name == "Bidirectional" and settings.get("backward_layer"):
        _join_directions(settings)
    return settings


def _join_directions(settings):
    """One layer for both ways, if the second is the first turned round: Keras 3 always writes both."""
    forward, backward = settings["layer"], settings["backward_layer"]
    same = {k: v for k, v in forward["config"].items() if k not in ("name", "go_backwards")}
    turned = {k: v for k, v in backward["config"].items() if k not in ("name", "go_backwards")}
    if forward["class_name"] == backward["class_name"] and same == turned:
        del settings["backward_layer"]
    name = str(forward["config"].get("name") or "").removeprefix("forward_")
    settings["layer"] = {**forward, "config": {**forward["config"], **({"name": name} if name else {})}}


def _stack_from_keras3(config):
    layers = [layer_from_keras3(e) for e in config["layers"]]
    made = {"name": config.get("name"), "layers": layers}
    if config.get("build_input_shape"):
        made["build_input_shape"] = config["build_input_shape"]
    return made


def _graph_from_keras3(config):
    graphs = {e.get("name") for e in config["layers"] if isinstance(e.get("config"), dict) and is_graph(e)}
    graphs -= {e.get("name") for e in config["layers"] if e.get("class_name") == "Sequential"}
    layers = [_entry_from_keras3(e) for e in config["layers"]]

    def place(value):
        return [[name, number - (name in graphs), tensor] for name, number, tensor in places_of(value)]

    return {"name": config.get("name"), "layers": layers, "input_layers": place(config["input_layers"]),
            "output_layers": place(config["output_layers"])}  # fmt: skip


def _entry_from_keras3(entry):
    name = entry.get("name") or entry["config"].get("name")
    calls = [arguments_from_keras3(call, name) for call in entry.get("inbound_nodes") or []]
    if str(entry.get("module", "")).startswith("keras.src.ops."):
        return _operation_from_keras3(entry, name, calls)
    if entry.get("module") == "hornbeam":
        return {key: entry[key] for key in ("name", "class_name", "config", "inbound_nodes")}
    made = layer_from_keras3(entry)
    nodes = [call_from_keras3(*call) for call in calls]
    return {"name": name, **made, "inbound_nodes": nodes}


def _operation_from_keras3(entry, name, calls):
    found = []
    for args, kwargs in calls:
        kwargs = {key: value for key, value in kwargs.items() if value is not None}
        found.append(from_operation(entry, args, kwargs))
    if len(found) != 1:
        cure = "Save the model with a layer in its place."
        raise ModelFileError(None, f"the operation {name!r} is called {len(found)} times", cure)
    kind, word, args, settings = found[0]
    if kind == "activation":
        rows = [[*args[0]["__tensor__"], {}]]
        return {"name": name, "class_name": "Activation", "config": {"name": name, "activation": word},
                "inbound_nodes": [rows]}  # fmt: skip
    return {"name": name, "class_name": "Operation", "config": {"name": name, "word": word},
            "inbound_nodes": [{"args": args, "kwargs": settings}]}  # fmt: skip

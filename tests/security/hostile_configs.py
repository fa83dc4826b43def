"""Configurations that want to run something: what was tried on Keras (each CVE is named) and what we thought of beside.

Every one is data: no code is called to make it. `{secret}` stands for the path of a file that nobody may open, `{mark}`
for one that nobody may make.
"""

import base64
import marshal

RUN = "__import__('os').system('touch {mark}')"


def _bytecode(mark):
    code = compile(f"lambda x: __import__('os').system('touch {mark}')", "<l>", "eval").co_consts[0]
    return base64.b64encode(marshal.dumps(code)).decode()


def layer(class_name, config=None, **more):
    config = {"name": "evil", "batch_input_shape": [None, 3]} | (config or {})
    return {"class_name": class_name, "config": config, **more}


def keras3(module, class_name, config=None, registered_name=None):
    return {"module": module, "class_name": class_name, "config": {"name": "evil"} | (config or {}),
            "registered_name": registered_name}  # fmt: skip


def dense(**config):
    return layer("Dense", {"units": 2, **config})


def _function(name, module="builtins"):
    """A function as Keras 3 writes one."""
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def hostile_layers(secret, mark):
    """{what it is: configuration of a layer}."""
    run = RUN.format(mark=mark)
    code = _bytecode(mark)
    pickled = base64.b64encode(b"cos\nsystem\n(S'touch " + mark.encode() + b"'\ntR.").decode()
    url = "http://127.0.0.1:9/x"
    lambdas = {
        # CVE-2024-3660: bytecode in a Lambda, as each Keras wrote it.
        "lambda, Keras 2": {"function": [code, None, None], "function_type": "lambda", "arguments": {}},
        "lambda, Keras 1": {"function": [base64.b64decode(code).decode("raw_unicode_escape", "replace"), None, None],
                            "function_type": "lambda"},
        "lambda, Keras 3": {"function": {"class_name": "__lambda__", "config": {
            "code": code, "defaults": None, "closure": None}}},
        "lambda, text": {"function": code, "function_type": "lambda"},
        "lambda, output shape": {"function": "relu", "function_type": "function", "output_shape": [code, None, None],
                                 "output_shape_type": "lambda"},
        "lambda, mask": {"function": "relu", "function_type": "function", "mask": [code, None, None],
                         "mask_type": "lambda"},
        "lambda, raw": {"function": {"class_name": "__lambda__", "config": [code, None, None]}, "function_type": "raw"},
        "lambda, os.system": {"function": "os.system", "function_type": "function", "module": "os"},
        "lambda, system": {"function": "system", "function_type": "function", "module": "os"},
        "lambda, source": {"function": f"lambda x: {run}", "function_type": "function"},
        "lambda, function object": {"function": _function("system", "os"), "arguments": {"command": f"touch {mark}"}},
        "lambda, get_file": {"function": _function("get_file", "keras.utils"),
                             "arguments": {"fname": "x", "origin": url}},
        "lambda, load_model": {"function": _function("load_model", "keras.saving"),
                               "arguments": {"filepath": secret, "safe_mode": False}},
    }  # fmt: skip
    found = {name: layer("Lambda", config) for name, config in lambdas.items()}
    found |= {f"{name}, new form": keras3("keras.layers", "Lambda", config) for name, config in lambdas.items()}
    for name in "eval exec open __import__ compile getattr print object type input vars".split():
        found[f"lambda, {name}"] = layer("Lambda", {"function": name, "function_type": "function"})
        found[f"builtin {name}"] = layer(name, {"source": run})
        found[f"activation {name}"] = dense(activation=name)
    # CVE-2025-1550: any module, any class.
    found |= {
        "os.system": keras3("os", "system", {"command": f"touch {mark}"}),
        "os.system dotted": layer("os.system", {"command": f"touch {mark}"}),
        "Popen": keras3("subprocess", "Popen", {"args": ["touch", mark]}),
        "builtins.eval": keras3("builtins", "eval", {"source": run}),
        "registered eval": keras3("builtins", "eval", {"source": run}, "builtins>eval"),
        "registered as Dense": keras3("os", "Dense2", {"command": f"touch {mark}"}, "os>system"),
        "function class": _function("system", "os"),
        "importlib": keras3("importlib", "import_module", {"name": "antigravity"}),
        "pickle": keras3("pickle", "loads", {"data": pickled}),
        "numpy.load": keras3("numpy", "load", {"file": secret, "allow_pickle": True}),
        "jit": keras3("builtins", "exec", {"object": run}),
    }
    # CVE-2025-8747 and after: functions of Keras itself, and of ours, as gadgets.
    gadgets = {
        "get_file": ("keras.utils", {"fname": "x", "origin": url}),
        "load_model": ("keras.saving", {"filepath": secret, "safe_mode": False}),
        "load_weights": ("keras.models", {"filepath": secret}),
        "save_model": ("keras.models", {"filepath": mark}),
        "model_from_json": ("keras.models", {"json_string": "{}"}),
        "enable_unsafe_deserialization": ("keras.config", {}),  # CVE-2025-9906
        "custom_object_scope": ("keras.utils", {"objects": {}}),
        "register_keras_serializable": ("keras.saving", {}),
        "deserialize_keras_object": ("keras.saving", {"config": {}}),
        "plot_model": ("keras.utils", {"to_file": mark}),
        "set_floatx": ("keras.config", {"floatx": "float16"}),
        "image_dataset_from_directory": ("keras.utils", {"directory": secret}),
        "VGG16": ("keras.applications", {"weights": secret}),
        "CSVLogger": ("keras.callbacks", {"filename": mark}),
        "LambdaCallback": ("keras.callbacks", {}),
        "ModelCheckpoint": ("keras.callbacks", {"filepath": mark}),
    }  # fmt: skip
    for name, (module, config) in gadgets.items():
        found[f"gadget {name}"] = keras3(module, name, config)
        found[f"gadget activation {name}"] = dense(activation=_function(name, module))
        found[f"gadget initializer {name}"] = dense(kernel_initializer=keras3(module, name, config))
    # Layers that reach out.
    found |= {
        "TFSMLayer": keras3("keras.layers", "TFSMLayer", {"filepath": secret}),  # CVE-2026-1462
        "TorchModuleWrapper": keras3("keras.utils", "TorchModuleWrapper", {"module": pickled}),  # CVE-2025-49655
        "StringLookup": keras3("keras.layers", "StringLookup", {"vocabulary": secret}),  # CVE-2025-12058
        "IntegerLookup": keras3("keras.layers", "IntegerLookup", {"vocabulary": secret}),
        "TextVectorization": keras3("keras.layers", "TextVectorization", {"vocabulary": url}),
        "HubLayer": layer("KerasLayer", {"handle": url}),
        "VirtualBatch": layer("TFOpLambda", {"function": "io.read_file"}),
        "SlicingOpLambda": layer("SlicingOpLambda", {"function": "__operators__.getitem"}),
        "Embedding from a file": layer("Embedding", {"input_dim": 2, "output_dim": 2, "weights": secret}),
        "Dense from a file": dense(weights=secret),
        "Normalization from a file": layer("Normalization", {"mean": secret, "variance": secret}),
        "Operation eval": layer("Operation", {"word": "eval"}),
        "Operation dunder": layer("Operation", {"word": "__init__"}),
        "CustomLayer": keras3("package.of.mine", "Mine", {}, "package>Mine"),
    }
    # The same things where a layer's own parts are named.
    evil = keras3("os", "system", {"command": f"touch {mark}"})
    found |= {
        "TimeDistributed": layer("TimeDistributed", {"layer": evil}),
        "Bidirectional": layer("Bidirectional", {"layer": evil}),
        "Bidirectional backward": layer("Bidirectional", {"layer": layer("LSTM", {"units": 1}),
                                                          "backward_layer": evil}),
        "RNN cell": layer("RNN", {"cell": evil}),
        "RNN cells": layer("RNN", {"cell": [evil, evil]}),
        "StackedRNNCells": layer("StackedRNNCells", {"cells": [evil]}),
        "Sequential inside": layer("Sequential", {"layers": [evil]}),
        "Model inside": layer("Model", {"layers": [{**evil, "name": "a", "inbound_nodes": []}], "input_layers": [],
                                        "output_layers": []}),
        "regularizer": dense(kernel_regularizer=evil),
        "constraint": dense(bias_constraint=evil),
        "initializer": dense(kernel_initializer=evil),
        "initializer name": dense(kernel_initializer="os.system"),
        "initializer layer": dense(kernel_initializer="Dense"),
        "activation lambda": dense(activation={"class_name": "__lambda__", "config": {"code": code}}),
        "activation layer class": dense(activation={"class_name": "TFSMLayer", "config": {"filepath": secret}}),
        "activation metric": dense(activation="AUC"),
        "activation with arguments": dense(activation={"class_name": "relu", "config": {"x": secret}}),
        "Activation layer": layer("Activation", {"activation": "load_model"}),
        "PReLU": layer("PReLU", {"alpha_initializer": evil}),
        "dtype policy": dense(dtype=keras3("os", "system", {"command": f"touch {mark}"})),
        "dtype object": dense(dtype="object"),
        "dtype huge": dense(dtype="V1000000000"),
    }  # fmt: skip
    # Names that are none.
    for name in ("Dense.__init__", "Dense.from_config", "__class__", "hornbeam.layers.Dense.__globals__", "", "Dense\0",
                 "../../Dense", "Dense()", "builtins>eval", ">eval", "Dense>", "os>system>", "a" * 10_000):  # fmt: skip
        found[f"class {name[:40]!r}"] = layer(name, {"units": 2})
    for kind in ([], ["Dense"], {}, {"class_name": "Dense"}, 1, None, True, 1.5):
        found[f"class {kind!r}"] = layer(kind, {"units": 2})
    settings = (
        None, 3, "x", [1], [["units", 2]], {"units": {"class_name": "__numpy__"}}, {"units": "2"}, {"units": [2]},
        {"units": -1}, {"units": float("nan")}, {"units": 10**30}, {"units": 2, "__class__": "x"},
        {"units": 2, "self": 1},
    )  # fmt: skip
    for number, config in enumerate(settings):
        config = config | {"batch_input_shape": [None, 3]} if isinstance(config, dict) else config
        found[f"settings {number}"] = {"class_name": "Dense", "config": config}
    for number, entry in enumerate((None, 3, "Dense", "os.system", [], ["Dense", {}], {}, {"config": {}})):
        found[f"no layer {number}"] = entry
    return found


# What may become a layer as long as the layer has no weights yet: making them is when the fault is seen.
MAY_WAIT = ("Dense from a file", "Embedding from a file", "Normalization from a file",
            "settings 10")  # fmt: skip


def hostile_trainings(secret, mark):
    """{what it is: how the model was compiled}."""
    evil = keras3("os", "system", {"command": f"touch {mark}"})
    load = _function("load_model", "keras.saving")
    base = {"optimizer": {"class_name": "SGD", "config": {"lr": 0.1}}, "loss": "mse", "metrics": []}
    return {
        "loss load_model": base | {"loss": load},
        "loss eval": base | {"loss": "eval"},
        "loss os.system": base | {"loss": evil},
        "loss wrapper": base | {"loss": {"class_name": "LossFunctionWrapper", "config": {"fn": load}}},
        "loss arguments": base | {"loss": {"class_name": "mse", "config": {"y_true": secret, "y_pred": secret}}},
        "loss of an activation": base | {"loss": "relu"},
        "metric eval": base | {"metrics": ["eval"]},
        "metric get_file": base | {"metrics": [_function("get_file", "keras.utils")]},
        "metric wrapper": base | {"metrics": [{"class_name": "MeanMetricWrapper", "config": {"fn": "eval"}}]},
        "metric wrapper function": base | {"metrics": [{"class_name": "MeanMetricWrapper", "config": {"fn": load}}]},
        "optimizer Popen": base | {"optimizer": {"class_name": "Popen", "config": {"args": ["touch", mark]}}},
        "optimizer os.system": base | {"optimizer": evil},
        "optimizer schedule": base | {"optimizer": {"class_name": "SGD", "config": {"learning_rate": evil}}},
        "optimizer layer": base | {"optimizer": {"class_name": "Dense", "config": {"units": 2}}},
        "optimizer TFOptimizer": base | {"optimizer": {"class_name": "TFOptimizer", "config": {"optimizer": evil}}},
    }  # fmt: skip


def _graph(*entries, outputs=("x", 0, 0)):
    """A functional model of an input 'a' and these entries."""
    first = {"name": "a", "class_name": "InputLayer", "inbound_nodes": [],
             "config": {"name": "a", "batch_input_shape": [None, 3], "dtype": "float32"}}  # fmt: skip
    return {"class_name": "Model", "config": {"name": "graph", "layers": [first, *entries],
                                              "input_layers": [["a", 0, 0]], "output_layers": [list(outputs)]}}


def _word(word, *args, name="x", **kwargs):
    return {"name": name, "class_name": "Operation", "config": {"name": name, "word": word},
            "inbound_nodes": [{"args": list(args), "kwargs": kwargs}]}  # fmt: skip


def _called(*inbound, name="x"):
    return {**layer("Dense", {"units": 2, "name": name}), "name": name, "inbound_nodes": list(inbound)}


A = {"__tensor__": ["a", 0, 0]}


def hostile_graphs():
    """{what it is: configuration of a functional model}."""
    words = {
        "unknown word": _word("eval", A), "dunder word": _word("__class__", A), "word of os": _word("os.system", A),
        "word of the vocabulary that is no operation": _word("set_floatx", A),
        "word without a tensor": _word("random_normal", [10**6, 10**6]),
        "word of constants": _word("tile", {"__array__": [1.0], "dtype": "float32"}, [10**12]),
        "constant of objects": _word("add", A, {"__array__": ["x"], "dtype": "object"}),
        "constant of huge items": _word("add", A, {"__array__": [0], "dtype": "V1000000000"}),
        "constant of text": _word("add", A, {"__array__": ["x"], "dtype": "U100000000"}),
        "constant that is ragged": _word("add", A, {"__array__": [[1], [1, 2]], "dtype": "float32"}),
        "unknown arguments": _word("add", A, A, function="eval"),
        "tensor of nothing": _word("exp", {"__tensor__": ["b", 0, 0]}),
        "tensor that is no place": _word("exp", {"__tensor__": "a"}),
        "tensor of a far output": _word("exp", {"__tensor__": ["a", 0, 99]}),
        "itself": _word("exp", {"__tensor__": ["x", 0, 0]}),
        "slice of texts": _word("getitem", A, {"__slice__": ["a", "b", "c"]}),
    }  # fmt: skip
    found = {name: _graph(entry) for name, entry in words.items()}
    found |= {
        "circle": _graph(_called([["y", 0, 0, {}]]), _called([["x", 0, 0, {}]], name="y")),
        "unknown input": _graph(_called([["nobody", 0, 0, {}]])),
        "no inputs": _graph(_called([])),
        "inputs that are a number": _graph({**_called(), "inbound_nodes": 7}),
        "inputs that are a text": _graph({**_called(), "inbound_nodes": "a"}),
        "rows too short": _graph(_called([["a"]])),
        "settings of a call": _graph(_called([["a", 0, 0, {"function": "eval"}]])),
        "settings that are no dict": _graph(_called([["a", 0, 0, 5]])),
        "unknown output": _graph(_called([["a", 0, 0, {}]]), outputs=("nobody", 0, 0)),
        "far output": _graph(_called([["a", 0, 0, {}]]), outputs=("x", 0, 9)),
        "output that is a number": {"class_name": "Model", "config": {"name": "g", "layers": [], "input_layers": 5,
                                                                      "output_layers": 5}},
        "no layers": {"class_name": "Model", "config": {"name": "g"}},
        "nothing": {"class_name": "Model", "config": {}},
        "layers that are a text": {"class_name": "Model", "config": {"name": "g", "layers": "abc"}},
        "stack of text": {"class_name": "Sequential", "config": "abc"},
        "stack of numbers": {"class_name": "Sequential", "config": [1, 2]},
        "not a model": layer("Dense", {"units": 2}),
        "huge weights": _graph({**layer("Dense", {"units": 10**10, "name": "x"}), "name": "x",
                                "inbound_nodes": [[["a", 0, 0, {}]]]}),
    }  # fmt: skip
    return found

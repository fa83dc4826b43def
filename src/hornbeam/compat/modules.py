"""The modules of Keras 1 and 2 as plain data: where the names of each are found in Hornbeam."""

# The version whose names, arguments and defaults Hornbeam follows one by one. Scripts take it apart to choose between
# spellings of Keras 1 and 2, and those of 2.3 and later would look for what came with TensorFlow 2.
VERSION = "2.2.4"

_OWN = "hornbeam.compat."
_LAYERS = ("hornbeam.layers", _OWN + "keras1", _OWN + "keras1_activations")
_MODELS = ("hornbeam.models", "hornbeam.layers", _OWN + "keras1")
_LAYER_UTILS = (_OWN + "layer_utils",)
_GENERIC = (_OWN + "generic_utils",)

# Path below `keras` -> modules whose names it has, the first that has a name counts.
SOURCES = {
    "": ("hornbeam",),
    **{name: (f"hornbeam.{name}",) for name in (
        "activations", "applications", "backend", "callbacks", "constraints", "datasets", "initializers", "losses",
        "metrics", "optimizers", "optimizers.schedules", "preprocessing", "preprocessing.image",
        "preprocessing.sequence", "preprocessing.text", "regularizers", "wrappers", "wrappers.scikit_learn",
    )},
    **{f"applications.{name}": (f"hornbeam.applications.{name}",) for name in (
        "densenet", "imagenet_utils", "inception_resnet_v2", "inception_v3", "mobilenet", "mobilenet_v2", "nasnet",
        "resnet", "resnet50", "resnet_v2", "resnext", "vgg16", "vgg19", "xception",
    )},
    **{f"datasets.{name}": (f"hornbeam.datasets.{name}",) for name in (
        "boston_housing", "cifar", "cifar10", "cifar100", "fashion_mnist", "imdb", "mnist", "reuters",
    )},
    **{f"backend.{name}": ("hornbeam.backend",) for name in (
        "cntk_backend", "common", "load_backend", "tensorflow_backend", "theano_backend",
    )},
    "callbacks.callbacks": ("hornbeam.callbacks",),
    "callbacks.tensorboard_v1": ("hornbeam.callbacks",),
    **{f"engine{name}": (_OWN + "engine", *_MODELS) for name in (
        "", ".base_layer", ".input_layer", ".network", ".saving", ".sequential", ".topology", ".training",
        ".training_arrays", ".training_generator", ".training_utils",
    )},
    "distribution": ("hornbeam.distribution",),
    "initializations": (_OWN + "initializations", "hornbeam.initializers"),
    "layers": _LAYERS,
    **{f"layers.{name}": _LAYERS for name in (
        "advanced_activations", "convolutional", "convolutional_recurrent", "core", "cudnn_recurrent", "embeddings",
        "experimental", "experimental.preprocessing", "local", "merge", "noise", "normalization", "pooling",
        "recurrent", "wrappers",
    )},
    "legacy": (),
    "legacy.interfaces": (),
    "legacy.layers": _LAYERS,
    "legacy.models": ("hornbeam.models",),
    "mixed_precision": ("hornbeam.core.precision",),
    "models": ("hornbeam.models",),
    "objectives": ("hornbeam.losses",),
    "optimizers.legacy": ("hornbeam.optimizers",),
    "utils": (
        "hornbeam.utils", *_GENERIC, *_LAYER_UTILS, _OWN + "io_utils", _OWN + "data_utils", _OWN + "multi_gpu_utils",
    ),
    "utils.conv_utils": ("hornbeam.utils.conv_utils",),
    "utils.data_utils": (_OWN + "data_utils", "hornbeam.utils.data_utils"),
    "utils.generic_utils": _GENERIC,
    "utils.io_utils": (_OWN + "io_utils", "hornbeam.utils.io_utils"),
    "utils.layer_utils": _LAYER_UTILS,
    "utils.multi_gpu_utils": (_OWN + "multi_gpu_utils",),
    "utils.np_utils": ("hornbeam.utils.np_utils", _OWN + "keras1", "hornbeam.utils.conv_utils"),
    "utils.test_utils": (_OWN + "test_utils",),
    "utils.training_utils": (_OWN + "multi_gpu_utils",),
    "utils.vis_utils": ("hornbeam.utils.vis_utils",),
    "utils.visualize_util": ("hornbeam.utils.vis_utils",),
}  # fmt: skip

# What `from ... import *` takes from modules that share their names with others. The other names are there as well.
STARS = {
    "layers.core": "Masking Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D Activation Reshape Permute "
                   "Flatten RepeatVector Lambda Dense ActivityRegularization MaxoutDense Highway TimeDistributedDense "
                   "Merge",
    "layers.convolutional": "Conv1D Conv2D Conv3D Conv2DTranspose Conv3DTranspose SeparableConv1D SeparableConv2D "
                            "DepthwiseConv2D UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D "
                            "ZeroPadding3D Cropping1D Cropping2D Cropping3D Convolution1D Convolution2D Convolution3D "
                            "SeparableConvolution1D SeparableConvolution2D Deconvolution2D Deconvolution3D Deconv2D "
                            "Deconv3D AtrousConv1D AtrousConv2D AtrousConvolution1D AtrousConvolution2D "
                            "AveragePooling1D AveragePooling2D AveragePooling3D MaxPooling1D MaxPooling2D MaxPooling3D",
    "layers.convolutional_recurrent": "ConvRNN2D ConvLSTM2DCell ConvLSTM2D ConvRecurrent2D",
    "layers.cudnn_recurrent": "CuDNNGRU CuDNNLSTM",
    "layers.embeddings": "Embedding",
    "layers.advanced_activations": "LeakyReLU PReLU ELU ThresholdedReLU Softmax ReLU SReLU ParametricSoftplus",
    "layers.local": "LocallyConnected1D LocallyConnected2D",
    "layers.merge": "Add Subtract Multiply Average Maximum Minimum Concatenate Dot add subtract multiply average "
                    "maximum minimum concatenate dot",
    "layers.noise": "GaussianNoise GaussianDropout AlphaDropout",
    "layers.normalization": "BatchNormalization",
    "layers.pooling": "AveragePooling1D AveragePooling2D AveragePooling3D MaxPooling1D MaxPooling2D MaxPooling3D "
                      "GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D "
                      "GlobalMaxPooling2D GlobalMaxPooling3D AvgPool1D AvgPool2D AvgPool3D MaxPool1D MaxPool2D "
                      "MaxPool3D",
    "layers.recurrent": "RNN SimpleRNN GRU LSTM SimpleRNNCell GRUCell LSTMCell StackedRNNCells Recurrent",
    "layers.wrappers": "Wrapper TimeDistributed Bidirectional",
}  # fmt: skip

# Modules that are Keras under another name. Those after the first two are answered where TensorFlow is not installed:
# TensorFlow itself is built on some of them.
ROOTS = ("keras", "tensorflow.keras")
TENSORFLOW_ROOTS = (
    "tensorflow.python.keras", "tensorflow.compat.v1.keras", "tensorflow.compat.v2.keras",
    "tensorflow.contrib.keras.api.keras", "tensorflow.contrib.keras.python.keras", "tensorflow.contrib.keras",
)  # fmt: skip


def place_in(root, name):
    """The path of module `name` below `root`: '' for the root itself, None if it is elsewhere."""
    if name == root:
        return ""
    return name[len(root) + 1 :] if name.startswith(root + ".") else None

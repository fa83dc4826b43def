"""Imports as they stand at the top of old scripts; each name must be Hornbeam's own."""
# ruff: noqa: F401, F403, F405

import keras
import keras.backend as K0
import keras.utils.np_utils
import tensorflow.keras.backend as K
from keras import applications, backend, callbacks, datasets, models, preprocessing
from keras.applications.vgg16 import VGG16, preprocess_input
from keras.callbacks import EarlyStopping, ModelCheckpoint
from keras.constraints import max_norm
from keras.datasets import cifar10, mnist
from keras.engine import InputSpec, Layer
from keras.engine.base_layer import Layer as Layer2
from keras.engine.topology import Container, Input, merge
from keras.engine.training import Model as Model2
from keras.initializers import RandomNormal
from keras.layers import *
from keras.layers import LSTM, Merge
from keras.layers.advanced_activations import LeakyReLU
from keras.layers.convolutional import Convolution2D
from keras.layers.convolutional_recurrent import ConvLSTM2D
from keras.layers.core import Dense, Flatten
from keras.layers.cudnn_recurrent import CuDNNLSTM
from keras.layers.embeddings import Embedding
from keras.layers.local import LocallyConnected1D
from keras.layers.merge import add, concatenate
from keras.layers.noise import GaussianNoise
from keras.layers.normalization import BatchNormalization
from keras.layers.pooling import MaxPooling2D
from keras.layers.recurrent import GRU, Recurrent
from keras.layers.wrappers import Bidirectional, TimeDistributed
from keras.legacy import interfaces
from keras.legacy.layers import MaxoutDense
from keras.models import Model, Sequential
from keras.optimizers import *
from keras.preprocessing.image import ImageDataGenerator
from keras.preprocessing.sequence import pad_sequences
from keras.preprocessing.text import Tokenizer
from keras.regularizers import l2
from keras.utils import multi_gpu_model, np_utils, plot_model, to_categorical
from keras.utils.data_utils import get_file
from keras.utils.generic_utils import Progbar
from keras.utils.io_utils import HDF5Matrix
from keras.utils.layer_utils import print_summary
from keras.utils.vis_utils import model_to_dot
from tensorflow import keras as tf_keras
from tensorflow.contrib.keras import layers as contrib_layers
from tensorflow.keras.models import Sequential as Sequential2
from tensorflow.python.keras.layers import Dense as Dense2

import hornbeam

assert Dense is Dense2 is hornbeam.layers.Dense is keras.layers.Dense is tf_keras.layers.Dense is contrib_layers.Dense
assert isinstance(Sequential([Dense(2, input_shape=(3,))]), hornbeam.Model)
assert Sequential is Sequential2 is hornbeam.Sequential is models.Sequential
assert Model is Model2 is Container is hornbeam.Model
assert Layer is Layer2 is hornbeam.layers.Layer
assert K.mean is K0.mean is backend.mean is hornbeam.backend.mean
assert keras.utils.np_utils.to_categorical is np_utils.to_categorical is to_categorical
assert keras.applications.VGG16 is VGG16
assert issubclass(rmsprop, keras.optimizers.Optimizer)
assert keras.layers.merge.add is add
assert callable(keras.layers.merge)
print("imported")

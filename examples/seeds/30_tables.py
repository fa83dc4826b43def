"""From "keras 基础入门整理": the calls that its tables print, with their arguments."""

# --- Left open: imports, and values for the names without one ---
from keras.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau, TensorBoard
from keras.layers import (
    ELU, GRU, LSTM, Activation, AveragePooling1D, AveragePooling2D, BatchNormalization, Bidirectional, Conv1D, Conv2D,
    Dense, Dropout, Embedding, Flatten, GaussianDropout, GaussianNoise, GlobalAveragePooling1D, GlobalAveragePooling2D,
    GlobalMaxPooling1D, GlobalMaxPooling2D, Lambda, LeakyReLU, LocallyConnected2D, Masking, MaxPooling1D, MaxPooling2D,
    Permute, PReLU, RepeatVector, Reshape, SimpleRNN, ThresholdedReLU, TimeDistributed, UpSampling1D, UpSampling2D,
    ZeroPadding2D,
)

units, activation, ratio, target_shape, dims, n = 8, 'relu', 0.5, (4, 2), (2, 1), 3
function, output_shape = (lambda x: x * 2), (8,)
filters, kernel_size, input_dim, output_dim, stddev, rate = 4, 3, 100, 16, 0.1, 0.5
layer, filepath = LSTM(4, return_sequences=True), 'model.h5'

# --- Tables ---
Dense(units, activation, use_bias=True, kernel_initializer='glorot_uniform', bias_initializer='zeros')
Activation(activation)
Dropout(ratio)
Flatten()
Reshape(target_shape)
Permute(dims)
RepeatVector(n)
Lambda(function, output_shape, arguments=None)
Masking(mask_value=0.0)
Conv1D(filters, kernel_size, strides=1, padding='valid')
Conv2D(filters, kernel_size, strides=(1, 1), padding='valid', dilation_rate=(1, 1))
MaxPooling2D(pool_size=(2, 2), strides=None, padding='valid', data_format=None)
AveragePooling2D(pool_size=(2, 2), strides=None, padding='valid', data_format=None)
SimpleRNN(units, activation='tanh', use_bias=True, kernel_initializer='glorot_uniform',
          recurrent_initializer='orthogonal', bias_initializer='zeros', dropout=0.0, recurrent_dropout=0.0)
GRU(units, activation='tanh', recurrent_activation='hard_sigmoid', use_bias=True, kernel_initializer='glorot_uniform',
    recurrent_initializer='orthogonal', bias_initializer='zeros', dropout=0.0, recurrent_dropout=0.0)
LSTM(units, activation='tanh', recurrent_activation='hard_sigmoid', use_bias=True, kernel_initializer='glorot_uniform',
     recurrent_initializer='orthogonal', bias_initializer='zeros', unit_forget_bias=True, dropout=0.0,
     recurrent_dropout=0.0)
# As printed, it says EmbeddingEmbedding.
Embedding(input_dim, output_dim, embeddings_initializer='uniform', embeddings_regularizer=None,
          activity_regularizer=None, embeddings_constraint=None, mask_zero=False, input_length=None)
LocallyConnected2D(filters, kernel_size, strides=(1, 1), padding='valid')
BatchNormalization(axis=-1, momentum=0.99, epsilon=0.001, center=True, scale=True, beta_initializer='zeros',
                   gamma_initializer='ones', moving_mean_initializer='zeros', moving_variance_initializer='ones')
GaussianNoise(stddev)
GaussianDropout(rate)
LeakyReLU(alpha=0.3)
PReLU()
ELU()
ThresholdedReLU()
TimeDistributed(layer)
Bidirectional(layer, merge_mode='concat', weights=None)
# As printed, UpSampling1D is written with the name of UpSampling2D.
UpSampling1D(size=2)
UpSampling2D(size=(2, 2))
ZeroPadding2D(padding=(1, 1))
MaxPooling1D(pool_size=2, strides=None, padding='valid')
AveragePooling1D(pool_size=2, strides=None, padding='valid')
GlobalMaxPooling1D()
GlobalAveragePooling1D()
GlobalMaxPooling2D()
GlobalAveragePooling2D()
ModelCheckpoint(filepath, monitor='val_loss', save_best_only=False, save_weights_only=False, mode='auto', period=1)
EarlyStopping(monitor='val_loss', patience=0, mode='auto')
TensorBoard(log_dir='./logs', histogram_freq=0, write_graph=True, write_images=False, embeddings_freq=0,
            embeddings_layer_names=None, embeddings_metadata=None)
ReduceLROnPlateau(monitor='val_loss', factor=0.1, patience=10, mode='auto', epsilon=0.0001, cooldown=0, min_lr=0)

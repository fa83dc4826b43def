"""From "Keras 是一个用 Python 编写的高级神经网络 API": Dense with all its arguments."""

# --- Left open: import, values ---
import tensorflow as tf

units, kwargs = 32, {}

# --- Block 38 ---
tf.keras.layers.Dense(
    units,
    activation=None,
    use_bias=True,
    kernel_initializer='glorot_uniform',
    bias_initializer='zeros',
    kernel_regularizer=None,
    bias_regularizer=None,
    activity_regularizer=None,
    kernel_constraint=None,
    bias_constraint=None,
    **kwargs
)

"""From "keras 基础入门整理": ModelCheckpoint and TensorBoard while training."""

# --- Left open: imports, data ---
from keras.callbacks import TensorBoard
from keras.layers import Activation, Dense
from keras.models import Sequential

import small_data

X_train, Y_train = small_data.table(784, 10)

# --- Block 28 ---
# As printed, it says TensorBoard(logdir=...); the argument is called log_dir.

from keras.callbacks import ModelCheckpoint

model = Sequential()
model.add(Dense(10, input_dim=784, kernel_initializer='uniform'))
model.add(Activation('softmax'))
model.compile(loss='categorical_crossentropy', optimizer='rmsprop')

checkpointer = ModelCheckpoint(filepath="/tmp/weights.h5", save_best_only=True)
tensbrd = TensorBoard(log_dir='path/of/log')
model.fit(X_train, Y_train, batch_size=128, callbacks=[checkpointer,tensbrd])

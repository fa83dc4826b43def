"""From "keras 基础入门整理": two LSTMs that read in both directions."""

# --- Left open: imports ---
from keras.layers import LSTM, Activation, Bidirectional, Dense
from keras.models import Sequential

# --- Block 31 ---
model = Sequential()
model.add(Bidirectional(LSTM(10, return_sequences=True), input_shape=(5, 10)))
model.add(Bidirectional(LSTM(10)))
model.add(Dense(5))
model.add(Activation('softmax'))
model.compile(loss='categorical_crossentropy', optimizer='rmsprop')

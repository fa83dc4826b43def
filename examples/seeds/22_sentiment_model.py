"""From "keras 基础入门整理": the model of the reviews: an embedding, read in both directions."""

# --- Left open: imports, sizes ---
from keras.layers import LSTM, Bidirectional, Dense, Dropout, Embedding
from keras.models import Sequential

vocab_size = 350000
sentence_max_len = 100

# --- Block 33 ---
model = Sequential()
model.add(Embedding(vocab_size, 256, input_length=sentence_max_len))
model.add(Bidirectional(LSTM(128,implementation=2)))
model.add(Dropout(0.5))
model.add(Dense(2, activation='relu'))
model.compile('RMSprop', 'categorical_crossentropy', metrics=['accuracy'])

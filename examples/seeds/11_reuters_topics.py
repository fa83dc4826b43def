"""From "Keras深度学习笔记": which of 46 topics does a newswire have?"""

# --- Left open: imports, data ---
from keras import layers, models
from keras.utils import to_categorical

import small_data

(x_train, train_labels), (x_test, test_labels) = small_data.newswires()

# --- Block 19 ---
one_hot_train_labels = to_categorical(train_labels)

# --- Left open: labels of the test rows ---
one_hot_test_labels = to_categorical(test_labels, 46)

# --- Block 20 ---
# As printed, a line break cuts the comment, whose last character becomes a name.

model = models.Sequential()
model.add(layers.Dense(64, activation="relu", input_shape=(10000,)))
model.add(layers.Dense(64, activation="relu"))
model.add(layers.Dense(64, activation="relu"))
model.add(layers.Dense(46, activation="softmax")) #输出层维数的等于独热编码的维数
model.compile(optimizer='rmsprop',
              loss='categorical_crossentropy',
              metrics=['accuracy'])

x_val = x_train[:1000]
partial_x_train = x_train[1000:]
y_val = one_hot_train_labels[:1000]
partial_y_train = one_hot_train_labels[1000:]

model.fit(partial_x_train,
          partial_y_train,
          epochs=20,
          batch_size=512,
          validation_data=(x_val, y_val))
model.evaluate(x_test, one_hot_test_labels)

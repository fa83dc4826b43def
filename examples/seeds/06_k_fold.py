"""From "Keras深度学习笔记": K-fold cross-validation, and the last model on all the data."""

# --- Left open: imports, data, get_model, and with it the method `train`, which a model of Keras does not have ---
import numpy as np
from keras.layers import Dense
from keras.models import Sequential

import small_data


class Network(Sequential):
    """The document's model: rows come in one array, the last column is the target, and `train` trains."""

    def train(self, rows):
        self.fit(rows[:, :-1], rows[:, -1], verbose=0)

    def evaluate(self, rows):
        return super().evaluate(rows[:, :-1], rows[:, -1], verbose=0)


def get_model():
    model = Network()
    model.add(Dense(1, input_shape=(4,)))
    model.compile(optimizer='rmsprop', loss='mse')
    return model


rows = small_data.numbered()
data, test_data = rows[:-small_data.ROWS // 5], rows[-small_data.ROWS // 5:]

# --- Block 9 ---
k = 4
num_validation_samples = len(data) // k

np.random.shuffle(data)

validation_scores = []
for fold in range(k):
    validation_data = data[num_validation_samples * fold:
                           num_validation_samples * (fold + 1)]
    training_data = np.concatenate([data[:num_validation_samples * fold],
                                     data[num_validation_samples * (fold + 1):]],
                                    axis=0)

    model = get_model()
    model.train(training_data)
    validation_score = model.evaluate(validation_data)
    validation_scores.append(validation_score)

# --- Block 10 ---
validation_score = np.average(validation_scores)

model = get_model()
model.train(data)
test_score = model.evaluate(test_data)

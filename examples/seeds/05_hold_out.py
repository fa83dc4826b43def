"""From "Keras深度学习笔记": simple hold-out validation."""

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


rows = small_data.numbered(10000 + 2 * small_data.ROWS)
data, test_data = rows[:-small_data.ROWS], rows[-small_data.ROWS:]

# --- Block 8 ---
num_validation_samples = 10000
# 打乱数据
np.random.shuffle(data)
validation_data = data[:num_validation_samples]
data = data[num_validation_samples:]
training_data = data[:]
model = get_model()
model.train(training_data)
validation_score = model.evaluate(validation_data)
# 现在你可以调节模型、重新训练、评估，然后再次调节
model = get_model()
model.train(np.concatenate([training_data, validation_data]))
test_score = model.evaluate(test_data)

"""From "Keras深度学习笔记": prices of houses: standardise by the training part, validate in four folds."""

# --- Left open: imports, data ---
import numpy as np
from keras import layers, models

import small_data

(train_data, train_targets), (test_data, test_targets) = small_data.housing()

# --- Block 21 ---
mean = train_data.mean(axis=0)
train_data -= mean
std = train_data.std(axis=0)
train_data /= std

# 虽然已知测试集，但也要用训练集的均值和标准差来计算
test_data -= mean
test_data /= std

# --- Block 22 ---
def build_model():
    model = models.Sequential()
    model.add(layers.Dense(64, activation='relu',
        input_shape=(train_data.shape[1],)))
    model.add(layers.Dense(64, activation='relu'))
    model.add(layers.Dense(1))
    model.compile(optimizer='rmsprop', loss='mse', metrics=['mae'])
    return model

# --- Block 23 ---
k = 4
num_val_samples = len(train_data) // k
num_epochs = 100
all_scores = []

for i in range(k):
    print("processing fold # ", i)
    val_data = train_data[i * num_val_samples : (i + 1) * num_val_samples]
    val_targets = train_targets[i * num_val_samples : (i + 1) *
num_val_samples]

    # 合并剩下的数据
    partial_train_data = np.concatenate([train_data[:i * num_val_samples],
train_data[(i + 1) * num_val_samples:]],
axis=0)
    partial_train_targets = np.concatenate([train_targets[:i *
num_val_samples],
train_targets[(i + 1) * num_val_samples:]],
axis=0)

    model = build_model()
    model.fit(partial_train_data, partial_train_targets,
epochs=num_epochs, batch_size=1, verbose=0)
    val_mse, val_mae = model.evaluate(val_data, val_targets, verbose=0)
    all_scores.append(val_mae)

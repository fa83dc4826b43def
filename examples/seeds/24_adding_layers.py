"""From "Keras 是一个用 Python 编写的高级神经网络 API": a stack of two layers."""

# --- Block 35 ---
from keras.models import Sequential
model = Sequential()
#可以通过add来堆叠模型
from keras.layers import Dense
model.add(Dense(units=64, activation='relu', input_dim=100))
model.add(Dense(units=10, activation='softmax'))

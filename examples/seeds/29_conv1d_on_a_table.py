"""From "Keras 是一个用 Python 编写的高级神经网络 API": a table of three columns, two networks of Conv1D."""

# --- Left open: data ---
import small_data

small_data.data_csv()

# --- Block 42 ---
import pandas as pd
from sklearn.preprocessing import StandardScaler
from sklearn.preprocessing import OneHotEncoder

# --- Block 43 ---
data = pd.read_csv('data.csv')

# --- Block 44 ---
X = data.iloc[:, :-1].values
Y = data.iloc[:, -1].values

# --- Block 45 ---
scaler = StandardScaler()
X = scaler.fit_transform(X)

# --- Block 46 ---
encoder = OneHotEncoder()
Y = encoder.fit_transform(Y.reshape(-1, 1)).toarray()

# --- Block 47 ---
from sklearn.model_selection import train_test_split
X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=0.2, random_state=0)

# --- Block 48 ---
from keras.models import Sequential
from keras.layers import Conv1D, MaxPooling1D, Flatten, Dense
model = Sequential()

# --- Block 49 ---
# As printed, without padding: a window of three leaves one of three places, and pooling none.

model.add(Conv1D(filters=64, kernel_size=3, activation='relu', padding='same', input_shape=(3, 1)))

# --- Block 50 ---
model.add(MaxPooling1D(pool_size=2))

# --- Block 51 ---
model.add(Flatten())
model.add(Dense(units=64, activation='relu'))

# --- Block 52 ---
model.add(Dense(units=3, activation='softmax'))

# --- Block 53 ---
model.compile(optimizer='adam', loss='categorical_crossentropy', metrics=['accuracy'])

# --- Block 54 ---
model.fit(X_train.reshape(-1, 3, 1), Y_train, batch_size=32, epochs=50, verbose=1)

# --- Block 55 ---
score = model.evaluate(X_test.reshape(-1, 3, 1), Y_test, verbose=0)
print('Test loss:', score[0])
print('Test accuracy:', score[1])

# --- Block 56 ---
# As printed, without padding, as above.

model = Sequential()
model.add(Conv1D(filters=64, kernel_size=3, activation='relu', padding='same', input_shape=(3, 1)))
model.add(Conv1D(filters=64, kernel_size=3, activation='relu', padding='same'))
model.add(MaxPooling1D(pool_size=2))
model.add(Flatten())
model.add(Dense(units=128, activation='relu'))
model.add(Dense(units=64, activation='relu'))
model.add(Dense(units=3, activation='softmax'))

# --- Block 57 ---
from keras.optimizers import Adam
model.compile(optimizer=Adam(lr=0.001), loss='categorical_crossentropy', metrics=['accuracy'])
model.fit(X_train.reshape(-1, 3, 1), Y_train, batch_size=64, epochs=100, verbose=1)

# --- Block 58 ---
import numpy as np
X_new = np.array([[3, 30, 5]])
X_new = scaler.transform(X_new)
Y_pred = model.predict(X_new.reshape(-1, 3, 1))
print(Y_pred)

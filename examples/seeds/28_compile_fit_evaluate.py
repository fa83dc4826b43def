"""From "Keras 是一个用 Python 编写的高级神经网络 API": compile, fit, evaluate, predict."""

# --- Left open: imports, model, and what the Chinese words stand for: optimizer, loss function, "accuracy" ---
import keras
from keras.layers import Dense
from keras.models import Sequential

model = Sequential([Dense(3, activation='softmax', input_dim=4)])
优化器, 损失函数 = 'adam', 'categorical_crossentropy'
keras.utils.get_custom_objects()["准确率"] = keras.metrics.categorical_accuracy

# --- Block 39 ---
# As printed, the last quotation mark is a typographic one.

model.compile(optimizer = 优化器,
                        loss = 损失函数,
                        metrics = ["准确率"])

# --- Left open: data ---
import small_data

x_train, y_train = small_data.table(4, 3, rows=60)
X_test, Y_test = small_data.table(4, 3, rows=30)

# --- Block 40 ---
model.fit(x=x_train, y=y_train, epochs=500, shuffle=True, batch_size=2)

# --- Block 41 ---
# model.predict和model.evaluate比较
loss,accuracy = model.evaluate(X_test,Y_test)
y_pred = model.predict(X_test,batch_size = 1)

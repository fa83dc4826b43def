"""From "Keras深度学习笔记": the template: define in both ways, compile, fit, evaluate, predict."""

# --- Left open: data ---
import small_data

training, target_tensor = small_data.table(784, 10)
x_test, y_test = small_data.table(784, 10)

# --- Block 14 ---
# As printed, fit receives the symbolic input_tensor of the model; it needs an array.

from keras import models
from keras import layers
from keras import optimizers
# Sequential 类
model = models.Sequential()
model.add(layers.Dense(32, activation='relu', input_shape=(784,)))
model.add(layers.Dense(10, activation='softmax'))
# 函数API定义
input_tensor = layers.Input(shape=(784,))
x = layers.Dense(32, activation='relu')(input_tensor)
output_tensor = layers.Dense(10, activation='softmax')(x)
model = models.Model(inputs=input_tensor, outputs=output_tensor)

# 编译
model.compile(optimizer=optimizers.RMSprop(lr=0.001),
              loss='mse',
              metrics=['accuracy'])

# 拟合
model.fit(training, target_tensor, batch_size=128, epochs=10)

# 评估
model.evaluate(x_test, y_test)

# 预测
model.predict(x_test) # 模型精度合理，可用于实践

"""From "Keras学习": a stack of two Dense layers is compiled, trained, evaluated, asked."""

# --- Block 1 ---
from keras.models import Sequential
from keras.layers import Dense,Activation
model = Sequential()
model.add(Dense(units=64,input_dim=100))
model.add(Activation("relu"))
model.add(Dense(units=10))
model.add(Activation("softmax"))
model.compile(loss='categorical_crossentropy',optimizer='sgd',metrics=['accuracy'])

# --- Left open: data ---
import small_data

x_train, y_train = small_data.table(100, 10)
x_test, y_test = small_data.table(100, 10)

# --- Block 2 ---
model.fit(x_train,y_train,epochs=5,batch_size=32)
#model.train_on_batch(x_batch,y_batch)
loss_and_metrics = model.evaluate(x_test,y_test,batch_size=128)
classes = model.predict(x_test,batch_size=128)

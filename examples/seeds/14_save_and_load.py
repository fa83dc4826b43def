"""From "keras 基础入门整理": a model into a file and back."""

# --- Left open: imports, model, path ---
from keras.layers import Dense
from keras.models import Sequential, load_model, save_model

model = Sequential([Dense(3, input_dim=2)])
model.compile('sgd', 'mse')
path = 'model.h5'

# --- Block 25 ---
save_model(model,path)
load_model(path)

"""From "Keras学习": how often news are passed on, from two inputs, with a second loss half-way."""

# --- Left open: import ---
import keras

# --- Block 3 ---
# As printed, the parenthesis that closes Model(...) is missing.

from keras.layers import Input,Embedding,LSTM,Dense
from keras.models import Model
#主输入接受新闻本身,是一个整数序列,采用one-hot编码,序列长度100(每句话100个单词)
main_input = Input(shape=(100,),dtype="int32",name='main_input')
# Embedding嵌入层只能作为模型的第一层,用于对one-hot表示的稀疏矩阵进行压缩编码
x = Embedding(output_dim=512,input_dim=10000,input_length=100)(main_input)
lstm_out = LSTM(32)(x)
# 插入一个额外损失
auxiliary_output = Dense(1,activation='sigmoid',name='aux_output')(lstm_out)
# 然后将LSTM与额外输入数据串联起来组成输入
auxiliary_input= Input(shape=(5,),name='aux_input')
x = keras.layers.concatenate([lstm_out,auxiliary_input])
x = Dense(64,activation='relu')(x)
x = Dense(64,activation='relu')(x)
x = Dense(64,activation='relu')(x)
main_output = Dense(1,activation='sigmoid',name='main_output')(x)
# 最后定义整个2输入,2输出模型
model = Model(inputs=[main_input,auxiliary_input],outputs=[main_output,auxiliary_output])
# 这里将binary_crossentropy损失函数应用于所有输出,并给额外损失赋0.2权重,然后编译模型
model.compile(optimizer='rmsprop',loss='binary_crossentropy',loss_weights=[1.,0.2])

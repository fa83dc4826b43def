"""From "keras 基础入门整理": ratings and words of Chinese reviews become labels and numbers."""

# --- Left open: imports, data ---
from keras.preprocessing.text import Tokenizer

import small_data

lines = small_data.review_lines()
tokenizer = Tokenizer()

# --- Block 32 ---
# As printed, it says texts_to_sequence; the method is called texts_to_sequences.

texts = []
labels = []
for line in lines:
    fields = line.split()
    rate = int(fields[0])
    if rate==0 or rate==3:
        continue
    elif rate < 3:
        rate = 0
    else:
        rate = 1
    cont = fields[1:]
    cont = " ".join(cont)
    texts.append(cont)
    labels.append(rate)
tokenizer.fit_on_texts(texts)
tokenizer.texts_to_sequences(texts)

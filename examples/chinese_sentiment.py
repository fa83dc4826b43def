"""Is a Chinese review a good one? From a file of reviews to a saved model that judges new sentences.

    python examples/chinese_sentiment.py                        seconds: a generated corpus of the same shape
    python examples/chinese_sentiment.py --corpus review.csv --stop-words stop_word.txt \\
        --words 350000 --width 256 --units 128 --epochs 10      a corpus of yours, the sizes of the documents

A line of the corpus is a rating and a review, with a comma or blanks between them: `5,经典作品 值得一看`. Ratings 1
and 2 are bad, 4 and 5 good, 0 (none) and 3 are left out; where no rating is above 1, they are labels: 0 bad, 1 good.
Words are found by jieba (pip install "hornbeam[zh]"), stop words are left out, reviews are cut and filled to 100 words,
and a bidirectional LSTM reads them. Good reviews are commoner than bad ones, so bad ones count more (class_weight).
"""

import argparse
import os
import re
import tempfile

import numpy as np

from hornbeam.layers import LSTM, Bidirectional, Dense, Dropout, Embedding
from hornbeam.models import Sequential, load_model
from hornbeam.preprocessing.sequence import pad_sequences
from hornbeam.preprocessing.text import Tokenizer, tokenizer_from_json
from hornbeam.utils import set_random_seed, to_categorical

parser = argparse.ArgumentParser(description="Sentiment of Chinese reviews.")
parser.add_argument("--corpus", metavar="FILE", help="ratings and reviews (UTF-8); none: a generated corpus")
parser.add_argument("--stop-words", metavar="FILE", help="words to leave out, one a line; none: a few")
parser.add_argument("--out", metavar="FOLDER", help="where model and tokenizer are saved; none: a temporary folder")
parser.add_argument("--epochs", type=int, default=4)
parser.add_argument("--rows", type=int, default=2000, help="generated reviews")
parser.add_argument("--words", type=int, default=5000, help="size of the vocabulary")
parser.add_argument("--width", type=int, default=32, help="of the embedding")
parser.add_argument("--units", type=int, default=32, help="of the LSTM, in each direction")
parser.add_argument("--length", type=int, default=100, help="words the LSTM reads")
args = parser.parse_args()
set_random_seed(0)
out = args.out or tempfile.mkdtemp(prefix="sentiment-")
os.makedirs(out, exist_ok=True)


def write_corpus(path, rows):
    """Generated reviews: words by Zipf's law, lengths log-normal, one word in six tells whether it is a good review."""
    good = "好看 精彩 感动 喜欢 经典 推荐 优秀 温暖 完美 真实".split()
    bad = "难看 无聊 失望 烂片 浪费 糟糕 垃圾 尴尬 虚假 恶心".split()
    plain = "电影 的 了 剧情 演员 是 导演 故事 我 很 音乐 画面 觉得 看 人物 电视剧 就 观众 生活 时间".split()
    characters = np.array(list("山水风云花草木石日月星光春夏秋冬东西南北江河湖海金银铜铁龙虎马羊"))
    tail = ["".join(pair) for pair in np.random.choice(characters, (1000, 2))]  # rare words, as names are
    common = np.array(plain + tail)
    frequency = 1 / np.arange(1, len(common) + 1)
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(rows):
            rating = np.random.choice([0, 1, 2, 3, 4, 5], p=[0.05, 0.1, 0.1, 0.15, 0.25, 0.35])
            length = int(np.clip(np.random.lognormal(2.7, 0.6), 4, 150))
            words = np.random.choice(common, length, p=frequency / frequency.sum())
            telling = np.random.uniform(size=length) < 1 / 6
            telling[0] = True
            opinions = good + bad if rating in (0, 3) else good if rating > 3 else bad
            words[telling] = np.random.choice(opinions, telling.sum())
            np.random.shuffle(words)
            file.write(f"{rating},{''.join(words)}。\n")


def read_corpus(path):
    """Reviews and labels (0 bad, 1 good) of a file."""
    with open(path, encoding="utf-8-sig") as file:
        fields = [re.match(r'\s*"?([0-5])"?[\s,]+(.*)', line) for line in file]  # a headline has no rating
    ratings = np.array([int(field[1]) for field in fields if field])
    texts = np.array([field[2].strip('" ') for field in fields if field], object)
    if ratings.max() <= 1:
        return texts, ratings
    clear = (ratings != 0) & (ratings != 3)
    return texts[clear], (ratings[clear] > 3).astype(int)


corpus = args.corpus
if corpus is None:
    corpus = os.path.join(out, "review.csv")
    write_corpus(corpus, args.rows)
    print("A generated corpus; --corpus takes one of yours.")
texts, labels = read_corpus(corpus)
order = np.random.permutation(len(texts))
texts, labels = texts[order], labels[order]
split = int(len(texts) * 0.8)
print(f"{len(texts)} reviews, {labels.mean():.0%} of them good. The first: {labels[0]} {texts[0]}")

tokenizer = Tokenizer(
    num_words=args.words, segmenter="jieba", stop_words=args.stop_words or ["的", "了", "是", "我", "就", "很"]
)
tokenizer.fit_on_texts(texts[:split])  # the training texts only
x = pad_sequences(tokenizer.texts_to_sequences(texts), maxlen=args.length)
y = to_categorical(labels, num_classes=2)
x_train, x_test, y_train, y_test = x[:split], x[split:], y[:split], y[split:]

model = Sequential()
model.add(Embedding(args.words, args.width, input_length=args.length))
model.add(Bidirectional(LSTM(args.units, implementation=2)))
model.add(Dropout(0.5))
model.add(Dense(2, activation="softmax"))
model.compile("RMSprop", "categorical_crossentropy", metrics=["accuracy"])

counts = np.bincount(labels[:split], minlength=2)
class_weight = {name: split / (2 * count) for name, count in enumerate(counts)}
model.fit(
    x_train, y_train, batch_size=32 if args.corpus is None else 1000, epochs=args.epochs, validation_split=0.1,
    class_weight=class_weight,
)  # fmt: skip

predicted, truth = model.predict_classes(x_test), labels[split:]
confusion = np.array([[np.sum((truth == row) & (predicted == column)) for column in (0, 1)] for row in (0, 1)])
print("                judged bad  judged good")
for name, row in zip(("bad", "good"), confusion):
    print(f"{name:>4} reviews    {row[0]:10}  {row[1]:11}")
accuracy, recalls = np.trace(confusion) / confusion.sum(), np.diag(confusion) / confusion.sum(axis=1)
print(f"Test accuracy {accuracy:.3f}; found of the bad {recalls[0]:.3f}, of the good {recalls[1]:.3f}")

# A model without its tokenizer is worthless: the numbers of the words are in there.
model.save(os.path.join(out, "model.h5"))
with open(os.path.join(out, "tokenizer.json"), "w", encoding="utf-8") as file:
    file.write(tokenizer.to_json())

loaded = load_model(os.path.join(out, "model.h5"))
with open(os.path.join(out, "tokenizer.json"), encoding="utf-8") as file:
    loaded_tokenizer = tokenizer_from_json(file.read())
sentences = ["剧情精彩，演员优秀，看了很感动，推荐！", "无聊的故事，画面糟糕，浪费时间，失望。"]
new = pad_sequences(loaded_tokenizer.texts_to_sequences(sentences), maxlen=args.length)
probabilities = loaded.predict(new)
for sentence, probability in zip(sentences, probabilities[:, 1]):
    print(f"Good with probability {probability:.2f}: {sentence}")
print(f"Saved in {out}: model.h5, tokenizer.json")

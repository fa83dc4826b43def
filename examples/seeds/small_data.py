"""Data for the blocks that leave theirs open: generated and small, so that each script runs offline.

`HORNBEAM_SEEDS_ROWS=400` says how many rows there are. `HORNBEAM_SEEDS_DATA=real` takes the published data sets and
weights instead, fetched once; the epochs in the scripts are meant for those. What is generated can be learned, which
says that a program works, and nothing more.
"""

import gzip
import importlib
import importlib.util
import os
import struct
import sys
import types
from pathlib import Path

import numpy as np

from hornbeam import applications, datasets
from hornbeam.datasets import synthetic
from hornbeam.preprocessing.tables import multi_hot
from hornbeam.utils import to_categorical

ROWS = int(os.environ.get("HORNBEAM_SEEDS_ROWS", "400"))
REAL = os.environ.get("HORNBEAM_SEEDS_DATA") == "real"


# --- Arrays ---


def table(features, classes, rows=ROWS):
    """(x, y) to tell classes by: x (rows, features), a pattern a class under noise; y (rows, classes) one-hot."""
    draw = np.random.RandomState(7)
    labels = np.arange(rows) % classes
    x = draw.normal(size=(classes, features))[labels] + draw.normal(0, 0.5, (rows, features))
    return x.astype("float32"), to_categorical(labels, classes)


def numbered(rows=ROWS):
    """Rows of four numbers and, last, one that follows from them: (rows, 5)."""
    x = np.random.RandomState(7).normal(size=(rows, 4))
    return np.column_stack([x, x @ [1.0, -2.0, 0.5, 3.0]]).astype("float32")


def reviews():
    """imdb as ((x_train, y_train), (x_test, y_test)): x (B, 10000), 1 where a word occurs. More than 10 000 train."""
    if REAL:
        (x, y), (x_test, y_test) = datasets.imdb.load_data(num_words=10000)
    else:
        (x, y), (x_test, y_test) = synthetic.reviews(ROWS, num_words=10000)
        x, y = _again(x, 10000 + ROWS), _again(y, 10000 + ROWS)
    return (multi_hot(x, 10000, "uint8"), y), (multi_hot(x_test, 10000, "uint8"), y_test)


def newswires():
    """reuters as ((x_train, y_train), (x_test, y_test)): x (B, 10000), y (B,) in 0..45. More than 1 000 train."""
    if REAL:
        (x, y), (x_test, y_test) = datasets.reuters.load_data(num_words=10000)
    else:
        (x, y), (x_test, y_test) = synthetic.newswires(1500 + ROWS, num_words=10000, test_split=ROWS / (1500 + ROWS))
    return (multi_hot(x, 10000, "uint8"), y), (multi_hot(x_test, 10000, "uint8"), y_test)


def housing():
    """boston_housing as ((x_train, y_train), (x_test, y_test)): x (B, 13), prices (B,)."""
    return datasets.boston_housing.load_data() if REAL else synthetic.housing()


def _again(rows, count):
    """`count` rows, the given ones again and again."""
    return rows[np.arange(count) % len(rows)]


# --- Files and libraries that a block reads itself ---


def cifar10():
    """From here on `cifar10.load_data()` gives generated pictures, 32 x 32 in colour."""
    if not REAL:
        datasets.cifar10.load_data = lambda: synthetic.images((32, 32, 3), rows=ROWS)


def random_weights(module, name):
    """From here on the published network `name` of that module starts with random weights where none are asked for."""
    if REAL:
        return
    home = importlib.import_module(f"hornbeam.applications.{module}")
    network = getattr(home, name)
    for place in (home, applications):
        setattr(place, name, lambda **arguments: network(**{"weights": None, **arguments}))


def mnist_files(folder):
    """The four IDX files of MNIST in `folder`: published ones, or generated pictures, 5 000 and more to train on."""
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    parts = datasets.mnist.load_data() if REAL else synthetic.images(rows=5000 + 2 * ROWS, test_split=ROWS / 5000)
    for kind, (images, labels) in zip(("train", "t10k"), parts):
        for name, array in ((f"{kind}-images-idx3-ubyte.gz", images), (f"{kind}-labels-idx1-ubyte.gz", labels)):
            header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
            (folder / name).write_bytes(gzip.compress(header + array.tobytes(), compresslevel=1))


def data_csv(path="data.csv"):
    """A table in a file: three columns of numbers, and a class of 0, 1 or 2."""
    x, y = table(3, 3)
    rows = np.column_stack([10 + 5 * x, y.argmax(1)])
    np.savetxt(path, rows, fmt=["%.2f", "%.2f", "%.2f", "%d"], delimiter=",", header="a,b,c,class", comments="")


GOOD = "经典 感人 精彩 好看 喜欢 独特 隽永 推荐".split()
BAD = "无聊 失望 难看 糟糕 做作 拖沓 浪费 尴尬".split()
PLAIN = "这部 电影 电视剧 看 觉得 故事 演员 东京 生活 人 母亲 今天 真是 其实".split()
STOP_WORDS = "的 了 是 在 和 也 很".split()


def review_lines(rows=ROWS):
    """Reviews as the document prints them: a rating of 0 to 5, then words. 0 and 3 say neither good nor bad."""
    draw = np.random.RandomState(7)
    lines = []
    for rating in draw.choice([0, 1, 2, 3, 4, 5], rows):
        own = GOOD if rating > 3 else BAD if rating in (1, 2) else PLAIN
        words = [*draw.choice(PLAIN, draw.randint(2, 9)), *draw.choice(own, 2)]
        draw.shuffle(words)
        lines.append(f"{rating}  {' '.join(words)}\n")
    return lines


def review_files():
    """`corpus/review.csv` and `dict/stop_word.txt`, unless they are there, and the folder that takes the model."""
    for name, lines in (("corpus/review.csv", review_lines()), ("dict/stop_word.txt", [w + "\n" for w in STOP_WORDS])):
        path = Path(name)
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            path.write_text("".join(lines), encoding="utf-8")
    Path("model").mkdir(exist_ok=True)


def jieba():
    """Where jieba is not installed, `import jieba` finds its `lcut`, done by rjieba (of the extra `zh`)."""
    if importlib.util.find_spec("jieba") is None:
        import rjieba

        sys.modules["jieba"] = types.ModuleType("jieba", "Chinese words by rjieba.")
        sys.modules["jieba"].lcut = rjieba.cut

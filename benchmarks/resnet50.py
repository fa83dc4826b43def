"""ResNet50 on 224 x 224 images, batches of 8, written from its layers.

What counts is the time of one step of training and of prediction once everything is compiled.
"""

import numpy as np

import workload

LIMITS = {"keras": 0.9, "torch": 0.9}
CLAIMS = [
    workload.Claim("step_s", "one training step, ResNet50, 224 px, batch 8", LIMITS),
    workload.Claim("predict_s", "one step of predict, the same", LIMITS),
]
RUNS = 2

STEPS, BATCH = workload.size(4, smoke=1), 8
PIXELS = workload.size(224, smoke=32)
STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))  # filters, blocks, strides


def data():
    random = np.random.default_rng(0)
    x = random.random((STEPS * BATCH, PIXELS, PIXELS, 3), dtype=np.float32)
    return x, np.eye(1000, dtype=np.float32)[random.integers(0, 1000, len(x))]


def block(layers, x, filters, strides=1, widen=False):
    shortcut = x
    if widen:
        shortcut = layers.Conv2D(4 * filters, 1, strides=strides)(x)
        shortcut = layers.BatchNormalization()(shortcut)
    x = layers.Activation("relu")(layers.BatchNormalization()(layers.Conv2D(filters, 1, strides=strides)(x)))
    x = layers.Activation("relu")(layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(x)))
    x = layers.BatchNormalization()(layers.Conv2D(4 * filters, 1)(x))
    return layers.Activation("relu")(layers.add([x, shortcut]))


def build(library):
    layers = library.layers
    inputs = layers.Input((PIXELS, PIXELS, 3))
    x = layers.Conv2D(64, 7, strides=2)(layers.ZeroPadding2D(3)(inputs))
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    x = layers.MaxPooling2D(3, strides=2)(layers.ZeroPadding2D(1)(x))
    for filters, blocks, strides in STAGES:
        for i in range(blocks):
            x = block(layers, x, filters, strides if i == 0 else 1, widen=i == 0)
    outputs = layers.Dense(1000, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    model = library.models.Model(inputs, outputs)
    model.compile(loss="categorical_crossentropy", optimizer=library.optimizers.SGD(learning_rate=0.01))
    return model


def measure(library, first):
    library.utils.set_random_seed(0)
    x, y = data()
    model = build(library)
    return timed(workload.model_fit(model, x, y, BATCH), lambda: model.predict(x, batch_size=BATCH, verbose=0))


def timed(fit, predict):
    epoch_s, loss = workload.epochs_s(fit, epochs=1, times=2)
    predict()
    return {"step_s": epoch_s / STEPS, "predict_s": workload.least_seconds(predict, times=3) / STEPS, "loss": loss}


def measure_torch(torch, first):
    import torch_by_hand as by_hand

    torch.manual_seed(0)
    x, y = data()
    x, y = by_hand.tensors(x.transpose(0, 3, 1, 2), y.argmax(1))
    model = torch_network(torch).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loss_of = torch.nn.CrossEntropyLoss()
    fit = by_hand.trainer(model, optimizer, loss_of, x, y, BATCH, lambda outputs, targets: 0)

    def predict():
        model.eval()
        with torch.inference_mode():
            return torch.cat([model(rows).softmax(1) for rows in x.split(BATCH)]).numpy()

    return timed(fit, predict)


def torch_network(torch):
    """The same layers as a module of torch."""
    nn = torch.nn

    def convolution(before, after, window, strides=1, padding=0):
        return [nn.Conv2d(before, after, window, strides, padding), nn.BatchNorm2d(after, eps=1e-3, momentum=0.01)]

    class Block(nn.Module):
        def __init__(self, before, filters, strides, widen):
            super().__init__()
            self.shortcut = nn.Sequential(*(convolution(before, 4 * filters, 1, strides) if widen else []))
            self.main = nn.Sequential(
                *convolution(before, filters, 1, strides), nn.ReLU(inplace=True),
                *convolution(filters, filters, 3, padding=1), nn.ReLU(inplace=True),
                *convolution(filters, 4 * filters, 1),
            )  # fmt: skip

        def forward(self, x):
            return torch.relu_(self.main(x) + self.shortcut(x))

    parts = [*convolution(3, 64, 7, 2, 3), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    before = 64
    for filters, blocks, strides in STAGES:
        for i in range(blocks):
            parts.append(Block(before, filters, strides if i == 0 else 1, widen=i == 0))
            before = 4 * filters
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 1000))


if __name__ == "__main__":
    workload.main(measure)

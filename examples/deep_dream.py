"""Deep dream: change a picture, not the network, so that some layers see more of what they look for.

    python examples/deep_dream.py --out dream.png        seconds: a generated picture, VGG16 with random weights
    python examples/deep_dream.py --weights imagenet --picture sky.jpg --size 400 --out dream.png

Gradient ascent on a picture, first small and then larger (octaves); what is lost when the picture is made small is
added again at each size. With random weights patterns grow that mean nothing; with those of ImageNet (58 MB, fetched
once) eyes and shells appear.
"""

import argparse

import numpy as np
from scipy import ndimage

from hornbeam import backend as K
from hornbeam.applications import vgg16
from hornbeam.preprocessing.image import img_to_array, load_img, save_img
from hornbeam.utils import set_random_seed

parser = argparse.ArgumentParser(description="Deep dream with VGG16.")
parser.add_argument("--weights", default=None, help="imagenet, or a file; none: random weights")
parser.add_argument("--picture", metavar="FILE", help="what to start from; none: a generated one")
parser.add_argument("--size", type=int, default=96, help="height and width in pixels")
parser.add_argument("--octaves", type=int, default=2)
parser.add_argument("--steps", type=int, default=10, help="steps of gradient ascent at each size")
parser.add_argument("--out", metavar="FILE", help="write the dream there, for instance dream.png")
args = parser.parse_args()
set_random_seed(0)

# How much each layer's activity counts.
settings = {"block2_conv2": 1.0, "block3_conv1": 2.0, "block3_conv3": 1.5}
step_size, octave_scale, max_factor = 2.0, 1.4, 20.0

if args.picture:
    picture = img_to_array(load_img(args.picture, target_size=(args.size, args.size)))
else:
    print("A generated picture; --picture takes one of yours.")
    places = np.linspace(0, 6, args.size)
    waves = np.sin(places[:, None, None] * [1, 2, 3] + places[None, :, None] * [3, 2, 1])
    picture = (128 + 90 * waves + np.random.normal(0, 15, waves.shape)).clip(0, 255)

model = vgg16.VGG16(weights=args.weights, include_top=False)
dream = model.input
layer_dict = {layer.name: layer for layer in model.layers}

loss = K.variable(0.0)
for name, coefficient in settings.items():
    activation = layer_dict[name].output
    scaling = K.prod(K.cast(K.shape(activation), "float32"))
    # Two points off the edge are left out: there it is the padding that acts.
    loss = loss + coefficient * K.sum(K.square(activation[:, 2:-2, 2:-2, :])) / scaling

grads = K.gradients(loss, dream)[0]
grads /= K.maximum(K.mean(K.abs(grads)), K.epsilon())
fetch_loss_and_grads = K.function([dream], [loss, grads])


def resize(img, size):
    factors = (1, size / img.shape[1], size / img.shape[2], 1)
    return ndimage.zoom(img, factors, order=1)


def gradient_ascent(x):
    """Up along the gradient; ends early where the activity has grown beyond all measure."""
    first = None
    for _ in range(args.steps):
        loss_value, grad_values = fetch_loss_and_grads([x])
        first = loss_value if first is None else first
        if loss_value > max_factor * first:
            break
        x = x + step_size * grad_values
    return x


original = vgg16.preprocess_input(picture[None].astype("float32"))
sizes = [int(args.size / octave_scale**octave) for octave in reversed(range(args.octaves))]
x = resize(original, sizes[0])
shrunk = x
for size in sizes:
    x = resize(x, size)
    same_size_original = resize(original, size)
    x = x + same_size_original - resize(shrunk, size)  # details that the smaller picture could not hold
    x = gradient_ascent(x)
    shrunk = same_size_original

loss_before = float(fetch_loss_and_grads([original])[0])
loss_after = float(fetch_loss_and_grads([x])[0])
print(f"Activity of the layers {loss_before:.4g} before, {loss_after:.4g} after: {loss_after / loss_before:.2f} times")
if args.out:
    picture = (x[0] + [103.939, 116.779, 123.68])[:, :, ::-1].clip(0, 255)  # as VGG16 takes it: blue first, centred
    save_img(args.out, picture, scale=False)
    print(f"The dream: {args.out}")

"""Style transfer: a picture with the content of one picture and the style of another.

    python examples/style_transfer.py --out mixed.png    seconds: generated pictures, VGG16 with random weights
    python examples/style_transfer.py --weights imagenet --content house.jpg --style waves.jpg --size 400 \\
        --steps 200 --out mixed.png                      two pictures of yours

Content is what a deep layer sees, style is which features of the early layers come together (their Gram matrix), and
neighbouring points should be alike. L-BFGS of SciPy changes the points of the picture until the sum of the three is
small; even random features tell styles apart somewhat, those of ImageNet (58 MB, fetched once) do it well.
"""

import argparse

import numpy as np
from scipy.optimize import fmin_l_bfgs_b

from hornbeam import backend as K
from hornbeam.applications import vgg16
from hornbeam.preprocessing.image import img_to_array, load_img, save_img
from hornbeam.utils import set_random_seed

parser = argparse.ArgumentParser(description="Neural style transfer with VGG16.")
parser.add_argument("--weights", default=None, help="imagenet, or a file; none: random weights")
parser.add_argument("--content", metavar="FILE", help="picture of the content; none: a generated one")
parser.add_argument("--style", metavar="FILE", help="picture of the style; none: a generated one")
parser.add_argument("--size", type=int, default=64, help="height and width in pixels")
parser.add_argument("--steps", type=int, default=20, help="evaluations of the loss")
parser.add_argument("--out", metavar="FILE", help="write the picture there, for instance mixed.png")
args = parser.parse_args()
set_random_seed(0)

content_layer = "block3_conv2"
style_layers = ["block1_conv1", "block2_conv1", "block3_conv1"]
content_weight, style_weight, variation_weight = 0.05, 1.0, 1e-6


def read(path, generated):
    """A picture as VGG16 takes it, (1, size, size, 3)."""
    if path is None:
        return vgg16.preprocess_input(generated[None].astype("float32"))
    return vgg16.preprocess_input(img_to_array(load_img(path, target_size=(args.size, args.size)))[None])


places = np.linspace(-1, 1, args.size)
disc = places[:, None] ** 2 + places[None, :] ** 2 < 0.5
stripes = np.sin(20 * (places[:, None] + places[None, :])) > 0
content = read(args.content, np.where(disc[..., None], [220, 180, 60], [40, 60, 120]))
style = read(args.style, np.where(stripes[..., None], [200, 40, 40], [240, 230, 200]))

# The three pictures go through the network as one batch: what is content, what is style, what is being made.
content_image = K.variable(content)
style_image = K.variable(style)
combination_image = K.placeholder((1, args.size, args.size, 3))
input_tensor = K.concatenate([content_image, style_image, combination_image], axis=0)
model = vgg16.VGG16(input_tensor=input_tensor, weights=args.weights, include_top=False)
outputs_dict = {layer.name: layer.output for layer in model.layers}


def gram_matrix(x):
    features = K.batch_flatten(K.permute_dimensions(x, (2, 0, 1)))
    return K.dot(features, K.transpose(features)) / args.size**2


def content_loss(base, combination):
    return K.sum(K.square(combination - base))


def style_loss(style, combination):
    return K.sum(K.square(gram_matrix(style) - gram_matrix(combination)))


def total_variation_loss(x):
    down = K.square(x[:, :-1, :-1, :] - x[:, 1:, :-1, :])
    across = K.square(x[:, :-1, :-1, :] - x[:, :-1, 1:, :])
    return K.sum(K.pow(down + across, 1.25))


features = outputs_dict[content_layer]
loss = content_weight * content_loss(features[0], features[2])
for name in style_layers:
    features = outputs_dict[name]
    loss = loss + style_weight / len(style_layers) * style_loss(features[1], features[2])
loss = loss + variation_weight * total_variation_loss(combination_image)

grads = K.gradients(loss, combination_image)[0]
fetch_loss_and_grads = K.function([combination_image], [loss, grads])


def loss_and_grads(flat):
    """What SciPy asks for: a number, and a flat vector of double precision."""
    loss_value, grad_values = fetch_loss_and_grads([flat.reshape(combination_image.shape).astype("float32")])
    return float(loss_value), grad_values.flatten().astype("float64")


start = content.flatten().astype("float64")
loss_before = loss_and_grads(start)[0]
flat, loss_after, _ = fmin_l_bfgs_b(loss_and_grads, start, maxfun=args.steps)
print(f"Loss {loss_before:.4g} before, {loss_after:.4g} after: {loss_after / loss_before:.2f} of it")
if args.out:
    picture = flat.reshape(args.size, args.size, 3) + [103.939, 116.779, 123.68]
    save_img(args.out, picture[:, :, ::-1].clip(0, 255), scale=False)
    print(f"The picture: {args.out}")

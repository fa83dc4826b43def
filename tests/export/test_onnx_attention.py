"""Attention layers as ONNX: masks that come with the tensors or by hand, causal ones, weights given back."""

import numpy as np
import pytest

from export.onnx_checks import check, numbers
from hornbeam import layers as L
from hornbeam.core import Input
from hornbeam.models import Model

REAL = np.array([[1, 1, 0, 0], [0, 1, 1, 1]], bool)
X = numbers(2, 4, 6) * REAL[:, :, None]
MEMORY = numbers(2, 3, 6, seed=5)


@pytest.mark.parametrize("make", [L.Attention, L.AdditiveAttention])
def test_attention(make):
    x, memory = Input((None, 6)), Input((None, 6))
    masked = L.Masking()(x)
    outputs = [
        make(use_scale=True)([masked, memory]), make()([memory, masked]),
        *make()([masked, masked, masked], use_causal_mask=True, return_attention_scores=True),
    ]  # fmt: skip
    check(Model([x, memory], outputs), [X, MEMORY])


def test_attention_with_masks_by_hand():
    x, memory, real = Input((4, 6)), Input((3, 6)), Input((4,), dtype="bool")
    layer = L.Attention(score_mode="concat")
    check(Model([x, memory, real], layer([memory, x], mask=[None, real])), [X, MEMORY, REAL])


@pytest.mark.parametrize(
    ("settings", "how"),
    [
        ({}, {}), ({}, {"use_causal_mask": True}), ({"sliding_window": 2}, {"return_attention_scores": True}),
        ({"use_gate": True, "value_dim": 2, "output_shape": (2, 3)}, {}), ({"use_bias": False}, {}),
    ],
    ids=str,
)  # fmt: skip
def test_many_heads(settings, how):
    x, memory = Input((None, 6)), Input((None, 6))
    masked = L.Masking()(x)
    outputs = [L.MultiHeadAttention(2, 3, **settings)(masked, masked, **how)]
    if not how:
        outputs.append(L.MultiHeadAttention(2, 3)(memory, masked, masked))
    flat = [t for o in outputs for t in (o if isinstance(o, tuple) else [o])]
    model = Model([x, memory], [*flat, L.GlobalAveragePooling1D()(memory)])
    session = check(model, [X, MEMORY])
    check(model, [X[:, :3], MEMORY], session)


def test_many_heads_with_masks_by_hand_and_over_two_axes():
    x, allowed, real = Input((4, 6)), Input((4, 4), dtype="bool"), Input((4,), dtype="bool")
    outputs = L.MultiHeadAttention(2, 3)(x, x, attention_mask=allowed, value_mask=real)
    places = np.random.default_rng(1).random((2, 4, 4)) > 0.3
    check(Model([x, allowed, real], outputs), [X, places, REAL])
    image = Input((2, 3, 4))
    check(Model(image, L.MultiHeadAttention(2, 3)(image, image)), numbers(2, 2, 3, 4))
    check(Model(image, L.MultiHeadAttention(2, 3, attention_axes=2)(image, image)), numbers(2, 2, 3, 4))

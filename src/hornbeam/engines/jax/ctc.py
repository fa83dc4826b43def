"""Connectionist temporal classification on the JAX engine: the loss, and the two ways of reading a result.

The blank is the last class. Probabilities come as logarithms that sum to 1 over the classes: (B, T, C).
"""

import functools

import jax
import jax.numpy as jnp

_NEVER = -1e30  # logarithm of zero that stays finite, so that gradients do


def ctc_loss(log_probabilities, labels, input_lengths, label_lengths):
    """-log of the probability of each row's labels, summed over all alignments: (B,); infinite if none fits.

    Args:
        log_probabilities: (B, T, C), the blank last.
        labels: (B, L) integers, read up to `label_lengths` (B,).
        input_lengths: (B,) number of steps that count.
    """
    rows, most = labels.shape
    blank = log_probabilities.shape[-1] - 1
    # Labels with a blank before, between and after: a path visits these places from left to right.
    places = jnp.full((rows, 2 * most + 1), blank, jnp.int32).at[:, 1::2].set(labels.astype(jnp.int32))
    emitted = jnp.take_along_axis(log_probabilities, places[:, None, :].clip(0, blank), axis=-1)
    # A blank may be left out between two different labels.
    leaps = (places[:, 2:] != blank) & (places[:, 2:] != places[:, :-2])
    leaps = jnp.pad(leaps, ((0, 0), (2, 0)))[:, : places.shape[1]]
    start = jnp.full(places.shape, _NEVER, emitted.dtype).at[:, 0].set(0.0)

    def step(scores, slices):
        time, emission = slices
        one = jnp.pad(scores[:, :-1], ((0, 0), (1, 0)), constant_values=_NEVER)
        two = jnp.pad(scores[:, :-2], ((0, 0), (2, 0)), constant_values=_NEVER)[:, : scores.shape[1]]
        two = jnp.where(leaps, two, _NEVER)
        new = jnp.logaddexp(jnp.logaddexp(scores, one), two) + emission
        new = jnp.maximum(new, _NEVER)
        return jnp.where((time < input_lengths)[:, None], new, scores), None

    steps = jnp.arange(log_probabilities.shape[1])
    scores, _ = jax.lax.scan(step, start, (steps, jnp.swapaxes(emitted, 0, 1)))
    end = 2 * label_lengths.astype(jnp.int32)[:, None]
    on_blank = jnp.take_along_axis(scores, end, axis=1)[:, 0]
    on_label = jnp.take_along_axis(scores, jnp.maximum(end - 1, 0), axis=1)[:, 0]
    total = jnp.logaddexp(on_blank, jnp.where(end[:, 0] > 0, on_label, _NEVER))
    return jnp.where(total > 0.5 * _NEVER, -total, jnp.inf)


def ctc_greedy(log_probabilities, input_lengths):
    """The likeliest class of each step, repeats merged and blanks dropped.

    Returns:
        labels (B, T), -1 after the end, and the sum of the steps' largest log probabilities (B,).
    """
    rows, steps, classes = log_probabilities.shape
    counts = jnp.arange(steps)[None, :] < input_lengths[:, None]
    best = jnp.argmax(log_probabilities, -1).astype(jnp.int32)
    before = jnp.pad(best[:, :-1], ((0, 0), (1, 0)), constant_values=-1)
    kept = counts & (best != classes - 1) & (best != before)
    place = jnp.where(kept, jnp.cumsum(kept, 1) - 1, steps)
    labels = jnp.full((rows, steps), -1, jnp.int32).at[jnp.arange(rows)[:, None], place].set(best, mode="drop")
    return labels, jnp.sum(jnp.where(counts, jnp.max(log_probabilities, -1), 0), 1)


@functools.partial(jax.jit, static_argnums=(2, 3))
def ctc_beam_search(log_probabilities, input_lengths, width, paths):
    """The `paths` likeliest label sequences among the `width` best prefixes kept at each step.

    Returns:
        labels (paths, B, T), -1 after the end, and their log probabilities (B, paths), likeliest first.
    """
    search = functools.partial(_search_one, width=width)
    labels, scores = jax.vmap(search)(log_probabilities, input_lengths)
    return jnp.swapaxes(labels[:, :paths], 0, 1), scores[:, :paths]


def _search_one(log_probabilities, length, width):
    steps, classes = log_probabilities.shape
    never = jnp.full((width,), -jnp.inf, log_probabilities.dtype)
    start = (jnp.full((width, steps), -1, jnp.int32), jnp.zeros(width, jnp.int32), never.at[0].set(0.0), never)

    def step(beams, slices):
        time, row = slices
        new = _extend(beams, row, width, classes)
        return jax.tree.map(lambda a, b: jnp.where(time < length, a, b), new, beams), None

    (prefixes, _, blank, label), _ = jax.lax.scan(step, start, (jnp.arange(steps), log_probabilities))
    total = jnp.logaddexp(blank, label)
    order = jnp.argsort(-total)
    return prefixes[order], total[order]


def _extend(beams, row, width, classes):
    """One step of prefix search; `blank` and `label` score a prefix whose last step was one or the other."""
    prefixes, lengths, blank, label = beams
    total = jnp.logaddexp(blank, label)
    last = jnp.take_along_axis(prefixes, jnp.maximum(lengths - 1, 0)[:, None], 1)[:, 0]  # -1 for the empty prefix
    stay_blank = total + row[-1]
    stay_label = jnp.where(lengths > 0, label + row[jnp.maximum(last, 0)], -jnp.inf)

    # A repeated label makes the prefix longer only after a blank.
    repeats = jnp.arange(classes)[None, :] == last[:, None]
    longer = jnp.where(repeats, blank[:, None], total[:, None]) + row[None, :]
    longer = longer.at[:, -1].set(-jnp.inf)

    # A longer prefix may be one that is kept already: its score goes there.
    shorter = jnp.where(jnp.arange(prefixes.shape[1])[None, :] == lengths[:, None] - 1, -1, prefixes)
    known = jnp.all(shorter[:, None, :] == prefixes[None, :, :], -1)
    known &= ((lengths > 0) & (total > -jnp.inf))[:, None] & (total > -jnp.inf)[None, :]
    passed_on = jnp.where(known, longer[:, jnp.maximum(last, 0)].T, -jnp.inf)
    stay_label = jnp.logaddexp(stay_label, jnp.max(passed_on, 1, initial=-jnp.inf))
    taken = (known.T.astype(row.dtype) @ jax.nn.one_hot(last, classes, dtype=row.dtype)) > 0
    longer = jnp.where(taken, -jnp.inf, longer)

    _, chosen = jax.lax.top_k(jnp.concatenate([jnp.logaddexp(stay_blank, stay_label), longer.reshape(-1)]), width)
    stays = chosen < width
    parent = jnp.where(stays, chosen, (chosen - width) // classes)
    added = (chosen - width) % classes
    at_end = (jnp.arange(prefixes.shape[1])[None, :] == lengths[parent][:, None]) & ~stays[:, None]
    return (
        jnp.where(at_end, added[:, None], prefixes[parent]),
        lengths[parent] + jnp.where(stays, 0, 1),
        jnp.where(stays, stay_blank[parent], -jnp.inf),
        jnp.where(stays, stay_label[parent], longer[parent, added]),
    )

"""Connectionist temporal classification on the NumPy engine: row by row. The blank is the last class."""

import numpy as np


def ctc_loss(log_probabilities, labels, input_lengths, label_lengths):
    rows = zip(log_probabilities, labels, input_lengths, label_lengths, strict=True)
    losses = [_loss_of(logs[:steps], list(row[:many])) for logs, row, steps, many in rows]
    return np.array(losses, log_probabilities.dtype)


def _loss_of(logs, labels):
    blank = logs.shape[-1] - 1
    places = [blank]  # labels with a blank before, between and after
    for label in labels:
        places += [int(label), blank]
    scores = np.full(len(places), -np.inf)
    scores[0] = 0
    for row in logs:
        before, scores = scores, np.full(len(places), -np.inf)
        for s, label in enumerate(places):
            ways = [before[s]] + ([before[s - 1]] if s >= 1 else [])
            if s >= 2 and label != blank and label != places[s - 2]:
                ways.append(before[s - 2])
            scores[s] = np.logaddexp.reduce(ways) + row[label]
    return -np.logaddexp.reduce(scores[-2:])


def ctc_greedy(log_probabilities, input_lengths):
    rows, steps, classes = log_probabilities.shape
    found = np.full((rows, steps), -1, "int32")
    scores = np.zeros(rows, log_probabilities.dtype)
    for row, (logs, length) in enumerate(zip(log_probabilities, input_lengths, strict=True)):
        best = logs[:length].argmax(-1)
        kept = [b for t, b in enumerate(best) if b != classes - 1 and (t == 0 or b != best[t - 1])]
        found[row, : len(kept)] = kept
        scores[row] = logs[:length].max(-1).sum()
    return found, scores


def ctc_beam_search(log_probabilities, input_lengths, width, paths):
    rows, steps, _ = log_probabilities.shape
    found = np.full((paths, rows, steps), -1, "int32")
    scores = np.full((rows, paths), -np.inf, log_probabilities.dtype)
    for row, (logs, length) in enumerate(zip(log_probabilities, input_lengths, strict=True)):
        for place, (prefix, score) in enumerate(_search(logs[:length], width)[:paths]):
            found[place, row, : len(prefix)] = prefix
            scores[row, place] = score
    return found, scores


def _search(logs, width):
    """(prefix, log probability), likeliest first. A prefix has two scores: last step a blank, last step a label."""
    beams: dict[tuple, tuple] = {(): (0.0, -np.inf)}
    for row in logs:
        new: dict[tuple, tuple] = {}

        def add(prefix, place, score, new=new):
            pair = list(new.get(prefix, (-np.inf, -np.inf)))
            pair[place] = np.logaddexp(pair[place], score)
            new[prefix] = tuple(pair)

        for prefix, (blank, label) in beams.items():
            either = np.logaddexp(blank, label)
            add(prefix, 0, either + row[-1])
            for c, logarithm in enumerate(row[:-1]):
                if prefix and prefix[-1] == c:
                    add(prefix, 1, label + logarithm)
                    add((*prefix, c), 1, blank + logarithm)
                else:
                    add((*prefix, c), 1, either + logarithm)
        beams = dict(sorted(new.items(), key=lambda item: -np.logaddexp(*item[1]))[:width])
    return [(prefix, np.logaddexp(*pair)) for prefix, pair in beams.items()]

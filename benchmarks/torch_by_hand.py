"""Training as people write it with torch alone: tensors cut into batches, one update after the other."""

import os

import torch
from torch import nn

torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def tensors(x, labels):
    """Rows and class numbers; token ids become the whole numbers that torch looks up by."""
    x = torch.from_numpy(x)
    return x if x.is_floating_point() else x.long(), torch.from_numpy(labels)


def trainer(model, optimizer, loss_of, x, y, batch_size, judge):
    """fit(epochs) -> mean loss of the last epoch.

    Args:
        model, optimizer: the module and what changes it.
        loss_of: function (outputs, targets) -> mean loss of a batch.
        x, y: tensors; batches are taken in their order.
        judge: function (outputs, targets) -> sum over the batch of what the peers report beside the loss.
    """

    def fit(epochs):
        model.train()
        for _ in range(epochs):
            total = judged = torch.zeros(())
            for x_batch, y_batch in zip(x.split(batch_size), y.split(batch_size)):
                optimizer.zero_grad(set_to_none=True)
                outputs = model(x_batch)
                loss = loss_of(outputs, y_batch)
                loss.backward()
                optimizer.step()
                with torch.no_grad():
                    total = total + loss.detach() * len(x_batch)
                    judged = judged + judge(outputs, y_batch)
        return float(total) / len(x)

    return fit


def correct(outputs, labels):
    """How many rows are put into their class."""
    return (outputs.argmax(1) == labels).sum()


class LastState(nn.Module):
    """An LSTM that hands on its last state, that of both directions if there are two."""

    def __init__(self, features, units, bidirectional=False):
        super().__init__()
        self.lstm = nn.LSTM(features, units, batch_first=True, bidirectional=bidirectional)

    def forward(self, x):
        _, (state, _) = self.lstm(x)
        return torch.cat(list(state), 1)

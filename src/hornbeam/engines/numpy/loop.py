"""The loop over steps on the NumPy engine, step by step."""

import numpy as np

from hornbeam import nest


def device_names(kind=None):
    """Names of the devices: the one that NumPy computes on."""
    return ["cpu:0"] if kind in (None, "cpu") else []


def idle_cores():
    """Names of cores that a batch may be split over: none."""
    return ()


def on_all_devices(tree):
    """`tree`: there is one device."""
    return tree


def compile_steps(step, devices=()):
    """The loop of the compiled engine, spelled out; see there for what the arguments mean."""

    def run(fixed, state, data, plan, valid, start, stop):
        logs = None
        steps = len(plan) if plan is not None else len(nest.flatten(data)[0])
        for i in range(int(start), int(stop)):
            rows = plan[i] if plan is not None else None
            batch = nest.map_structure(lambda a, i=i, rows=rows: a[i] if rows is None else a[rows], data)
            state, new = step(fixed, state, batch, None if valid is None else valid[i])
            if logs is None:
                logs = nest.map_structure(lambda a: np.zeros((steps, *np.shape(a)), np.asarray(a).dtype), new)
            for kept, value in zip(nest.flatten(logs), nest.flatten(new), strict=True):
                kept[i] = value
        return state, logs

    return run


def compile_epochs(train, test, turn):
    """The loop over epochs of the compiled engine, spelled out; see there for what the arguments mean."""
    walks = compile_steps(train), compile_steps(test)

    def run(fixed, state, data, plans, valid, steps, start, stop):
        made = []
        for epoch in range(int(start), int(stop)):
            state, own = walks[0](fixed, state, data[0], plans[0][epoch], valid[0], 0, steps[0])
            state, first = turn(fixed, state)
            state, seen = walks[1](fixed, state, data[1], plans[1], valid[1], 0, steps[1])
            state, second = turn(fixed, state)
            made.append(((own, seen), (first, second)))
        epochs = len(plans[0])

        def stack(*arrays):
            stacked = np.zeros((epochs, *np.shape(arrays[0])), np.asarray(arrays[0]).dtype)
            stacked[int(start) : int(stop)] = arrays
            return stacked

        logs, kept = (nest.map_structure(stack, *part) for part in zip(*made, strict=True))
        return state, logs, kept

    return run

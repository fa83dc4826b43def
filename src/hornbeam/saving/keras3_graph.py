"""The order of layers in a functional model's configuration, as Keras 3 and as this house work it out.

Keras 3 numbers the entries of a weights file by that order, so a writer must know it, and a reader ours.
"""

from hornbeam import nest


def layers_in_order(config, as_keras3):
    """Entries of the layers (no words) of a classic functional configuration, from inputs to outputs.

    Both sort by distance to the outputs, then by first meeting on a walk from the outputs. Where a layer is shared,
    Keras 3 lets its greatest distance push its inputs further away, as Keras 2 does not.

    Args:
        config: {'layers', 'input_layers', 'output_layers'}.
        as_keras3: Keras 3's order, else ours.
    """
    entries = {entry["name"]: entry for entry in config["layers"]}
    parents = {}
    for entry in config["layers"]:
        calls = entry.get("inbound_nodes") or []
        for number, call in enumerate(calls):
            parents[entry["name"], number] = list(dict.fromkeys(sources_of(call, as_keras3)))
    outputs = [tuple(place[:2]) for place in places_of(config["output_layers"])]
    first_seen = {}

    def needs(node):
        first_seen.setdefault(node[0], len(first_seen))
        return parents.get(node, ())

    order = nest.after_what_it_needs(outputs, needs)
    depths, of_layer = {}, {}
    for node in reversed(order):
        depth = depths.get(node, 0)
        if as_keras3:
            depth = max(depth, of_layer.get(node[0], 0))
        of_layer[node[0]] = max(of_layer.get(node[0], 0), depth)
        for parent in parents.get(node, ()):
            depths[parent] = max(depths.get(parent, 0), depth + 1)
    for name, *_ in places_of(config["input_layers"]):
        of_layer.setdefault(name, 0)
    names = [n for n in of_layer if n in entries and entries[n]["class_name"] != "Operation"]
    return [entries[n] for n in sorted(names, key=lambda n: (-of_layer[n], first_seen.get(n, -1)))]


def sources_of(call, sorted_keywords=False):
    """(layer, number of the call) of each tensor that goes into a call, in the order of its arguments."""
    found = []

    def walk(value):
        if isinstance(value, dict):
            if "__tensor__" in value:
                found.append(tuple(value["__tensor__"][:2]))
                return
            for key in sorted(value) if sorted_keywords else value:
                walk(value[key])
        elif isinstance(value, (list, tuple)):
            for item in value:
                walk(item)

    if isinstance(call, dict):
        walk([call.get("args") or [], call.get("kwargs") or {}])
        return found
    found.extend((row[0], row[1]) for row in call)
    if call and len(call[0]) > 3:
        further = dict(call[0][3])
        walk([further.pop("__args__", []), further])
    return found


def places_of(value):
    """Flat list of [layer, call, tensor] in the nest that 'input_layers' or 'output_layers' is."""
    if isinstance(value, dict):
        return [place for key in sorted(value) for place in places_of(value[key])]
    if len(value) == 3 and isinstance(value[0], str):
        return [value]
    return [place for item in value for place in places_of(item)]

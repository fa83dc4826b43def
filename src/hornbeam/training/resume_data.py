"""Where a stream of batches stands at the beginning of an epoch, and how a new one is brought there."""

from hornbeam.training import object_state

# Protocols by which a source tells where it is and is set there; the second is that of loaders that can be resumed.
_PROTOCOLS = (("get_state", "set_state"), ("state_dict", "load_state_dict"))


def stream_state(stream):
    """Where `stream` stands, between two passes, as plain data.

    A Sequence's plain attributes (its order, a count, a generator of random numbers) belong to it, unless it says
    itself what does with `get_state`.
    """
    state = {"position": stream.position, "order": stream._order if isinstance(stream._order, list) else None,
             "at": stream._at, "source": None}  # fmt: skip
    for getter, _ in _PROTOCOLS:
        if callable(getattr(stream.source, getter, None)):
            state["source"] = getattr(stream.source, getter)()
            return state
    if stream.kind == "sequence" and hasattr(stream.source, "__dict__"):
        state["source"] = object_state.attributes(stream.source)
    return state


def restore_stream(stream, state, rewind):
    """Bring `stream`, which is new, to where another one stood.

    Sequences and whatever knows `set_state` are set. Of the others, what was given already is read once more; `rewind`
    is called before, to set the random numbers to what they were then.
    """
    if state["position"] == 0:
        return
    setter = next((s for g, s in _PROTOCOLS if callable(getattr(stream.source, s, None))), None)
    if state["source"] is None or (setter is None and stream.kind != "sequence"):
        rewind()
        stream.seek(state["position"])
        return
    if setter is not None:
        getattr(stream.source, setter)(state["source"])
    else:
        object_state.restore(stream.source, state["source"])
    stream._peeked.clear()
    stream.position, stream._order, stream._at = state["position"], state["order"], state["at"]
    if stream._order is None and stream._at:
        stream._order = range(stream.batches)
    if stream.processes:  # made here, and not at the next pass, which must draw what it drew then
        from hornbeam.utils.sequences import makers_for

        stream._makers = makers_for(stream.source, stream.workers, True, 0)

"""`GradientTape`: gradients of what an ordinary block of Python computes."""

from hornbeam import nest, scope
from hornbeam.backend.taped import Taped, Taping, call, order_calls, untaped
from hornbeam.backend.variables import Variable
from hornbeam.engines import engine


class GradientTape:
    """d target / d sources for what is computed within its `with` block by words, operators and layers.

    Works in plain scripts and, compiled, in a model's `train_step`. All variables are watched; tensors are after
    :meth:`watch`. Functions of other libraries are not seen: on a value that depends on variables they are an error
    within the block (inside a layer's `call` they are fine). Tapes may be nested, for second derivatives.

    Args:
        persistent: accepted; gradients may be asked for as often as one likes.
        watch_accessed_variables: accepted; what is differentiated is what :meth:`gradient` is asked for.

    Example:
        >>> from hornbeam import backend as K
        >>> w = K.variable([3.0])
        >>> with GradientTape() as tape:
        ...     loss = K.sum(w * w)
        >>> tape.gradient(loss, w).tolist()
        [6.0]
    """

    def __init__(self, persistent=False, watch_accessed_variables=True):
        self._persistent = persistent
        self._taping = None
        self._watched = {}

    def __enter__(self):
        here = scope.current()
        if not isinstance(here, Taping):  # one within another writes on the same sheet
            here = Taping(here)
            here.__enter__()
        here.depth += 1
        here.watched.update(self._watched)
        self._taping = here
        return self

    def __exit__(self, *error):
        here = self._taping
        here.depth -= 1
        if here.depth == 0:
            here.__exit__(*error)
            here.close()

    def watch(self, tensor):
        """Watch a tensor, or a nest of them. Words and layers then know it; operators know the tensor given back.

        Returns:
            `tensor`, such that `+`, `*` and the like are seen too: `x = tape.watch(x)`.
        """

        def one(x):
            if isinstance(x, (Variable, Taped)):
                return x
            taped = Taped(x if engine.is_tensor(x) else engine.convert(x))
            self._watched[id(x)] = (x, taped)
            if isinstance(scope.current(), Taping):
                scope.current().watched[id(x)] = (x, taped)
            return taped

        return nest.map_structure(one, tensor)

    def gradient(self, target, sources, output_gradients=None, unconnected_gradients="none"):
        """Gradients of `target` with respect to `sources`, in the form of `sources`.

        Args:
            target: tensor, or a list of them; those with axes are summed.
            sources: variables, watched tensors, or anything computed within the block; one or a nest.
            output_gradients: what each element of `target` counts, 1 if None.
            unconnected_gradients: 'none' or 'zero': what stands for sources that `target` does not depend on.

        Raises:
            ValueError: `target` was not computed from anything the tape knows.
        """
        targets = [t for t in nest.flatten(target) if isinstance(t, Taped)]
        if not targets:
            raise ValueError(
                "GradientTape.gradient: the target does not depend on a variable or a watched tensor. Compute it "
                "within the `with` block, from variables, layers, or tensors given to tape.watch."
            )
        weights = [None] * len(targets) if output_gradients is None else nest.flatten(output_gradients)
        graph = _Graph(targets, weights)
        flat = nest.flatten(sources)
        origins = [self._origins(source, graph) for source in flat]
        wanted = list(dict.fromkeys(t for found in origins for t in found))
        gradients = dict(zip(wanted, graph.gradients(wanted), strict=True)) if wanted else {}
        found = []
        for source, taped in zip(flat, origins, strict=True):
            parts = [gradients[t] for t in taped]
            if parts or unconnected_gradients != "zero":
                found.append(sum(parts[1:], parts[0]) if parts else None)
            else:
                found.append(engine.zeros(tuple(source.shape), engine.dtype_of(source)))
        return nest.pack_like(sources, found) if isinstance(sources, (list, tuple, dict)) else found[0]

    def _origins(self, source, graph):
        """What stands for `source` in the graph: a variable may have been read more than once."""
        if isinstance(source, Variable):
            return [t for t in graph.leaves if t.variable is source]
        if not isinstance(source, Taped):
            if id(source) not in self._watched:
                raise ValueError(
                    "GradientTape.gradient: a source is neither a variable nor watched. Write x = tape.watch(x) at "
                    "the beginning of the block."
                )
            source = self._watched[id(source)][1]
        return [source] if source in graph.known else []


class _Graph:
    """The calls between leaves and targets."""

    def __init__(self, targets, weights):
        self.targets, self.weights = targets, weights
        self.order = order_calls(targets)
        inputs = [t for one in self.order for t in one.inputs] + targets
        self.leaves = list(dict.fromkeys(t for t in inputs if t.call is None))
        self.outputs = [t for one in self.order for t in one.outputs if t is not None]
        self.known = {*self.leaves, *self.outputs}

    def gradients(self, wanted):
        """Gradients with respect to the taped values `wanted`."""
        if isinstance(scope.current(), Taping):  # a tape around this one must be able to differentiate again
            return call(lambda *values: self._differentiate(wanted, values)[0], self.leaves)
        found, repeated = self._differentiate(wanted, [t._value for t in self.leaves])
        if repeated and engine.is_traced(repeated[0]):
            self._adopt(repeated)
        return found

    def _differentiate(self, wanted, leaf_values):
        start = dict(zip(self.leaves, leaf_values, strict=True))

        def total(values):
            value_of, change = dict(start), {}
            for taped, value in zip(wanted, values, strict=True):
                (value_of if taped.call is None else change)[taped] = value
            for one in self.order:
                for taped, value in one.repeat(value_of).items():
                    value_of[taped] = value + change[taped] if taped in change else value
            terms = [
                engine.sum(value_of[t] if w is None else value_of[t] * untaped(w))
                for t, w in zip(self.targets, self.weights, strict=True)
            ]
            return sum(terms[1:], terms[0]), [value_of[t] for t in self.outputs]

        # Within the graph, a change of 0 is differentiated by, so that all else may act through the value as well.
        at = [start[t] if t.call is None else engine.zeros(t.shape, t.dtype) for t in wanted]
        (_, repeated), found = engine.value_and_gradients(total, at)
        return found, repeated

    def _adopt(self, repeated):
        """Let the taped values be those of the second pass, so that the compiled program has no use for the first."""
        here = scope.current()
        for taped, value in zip(self.outputs, repeated, strict=True):
            mask = None if here is None else here.mask_of(taped._value)
            taped._value = value
            if mask is not None:
                here.set_mask(value, mask)

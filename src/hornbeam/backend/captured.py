"""Variables that compiled code reads without having been handed them: closures of Lambda layers, losses, callbacks."""


class Captured:
    """Variables that programs read while they were compiled, although nobody handed them over.

    A program takes such a value as a constant, which is right and fast as long as nobody sets the variable. Once
    somebody does (`K.set_value(beta, 0.5)` in a callback), the programs are to be made anew, with the variable among
    their arguments; from then on it may be set at every step.

    Attributes:
        known: variables to hand over as arguments.
        seen: dict from variable to the value that a program took as a constant; `Scope.outside` while compiling.
    """

    def __init__(self):
        self.known = []
        self.seen = {}

    def changed(self):
        """Was a variable set whose value some program took as a constant? If so, `known` has grown."""
        if all(variable._value is value for variable, value in self.seen.items()):
            return False
        self.known = [*self.known, *self.seen]
        self.seen.clear()  # the dict stays, scopes hold it
        return True

    def values(self):
        """Present values of the variables to hand over."""
        return [variable.value for variable in self.known]

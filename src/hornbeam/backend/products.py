"""Products of tensors along named axes."""

from hornbeam.backend.words import word
from hornbeam.engines import engine


@word
def einsum(equation, *operands):
    """Sum of products over the axes that `equation` names but does not keep.

    Args:
        equation: letters for the axes of each operand, then of the result: 'btd,bsd->bts'. '...' stands for any
            further axes.
        operands: as many tensors as the equation has groups of letters.

    Example:
        >>> from hornbeam import backend as K
        >>> K.einsum("i,i->", K.constant([1.0, 2.0]), K.constant([3.0, 4.0])).tolist()
        11.0
    """
    return engine.einsum(equation, *operands)

"""The NumPy engine: what each primitive word means, written to be read. Inference only, and no speed."""

from hornbeam.engines.numpy.convolution import *  # noqa: F403
from hornbeam.engines.numpy.ctc import *  # noqa: F403
from hornbeam.engines.numpy.export import *  # noqa: F403
from hornbeam.engines.numpy.look_ups import *  # noqa: F403
from hornbeam.engines.numpy.loop import *  # noqa: F403
from hornbeam.engines.numpy.math import *  # noqa: F403
from hornbeam.engines.numpy.nn import *  # noqa: F403
from hornbeam.engines.numpy.normalization import *  # noqa: F403
from hornbeam.engines.numpy.random import *  # noqa: F403
from hornbeam.engines.numpy.recurrent import *  # noqa: F403
from hornbeam.engines.numpy.tensors import *  # noqa: F403
from hornbeam.engines.numpy.transforms import *  # noqa: F403

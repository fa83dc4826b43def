"""The vocabulary, `K`: the one set of words that layers, losses, metrics, optimizers and users' code are written in.

Every word computes at once on arrays and variables, and records a node on symbolic tensors.
"""

from hornbeam.backend.captured import Captured
from hornbeam.backend.convolution import *  # noqa: F403
from hornbeam.backend.ctc import *  # noqa: F403
from hornbeam.backend.graph import *  # noqa: F403
from hornbeam.backend.local import *  # noqa: F403
from hornbeam.backend.math import *  # noqa: F403
from hornbeam.backend.naming import get_uid, reset_uids
from hornbeam.backend.nn import *  # noqa: F403
from hornbeam.backend.normalization import *  # noqa: F403
from hornbeam.backend.operators import (
    add,
    divide,
    floor_divide,
    multiply,
    negative,
    power,
    remainder,
    subtract,
)  # fmt: skip
from hornbeam.backend.pooling import *  # noqa: F403
from hornbeam.backend.products import *  # noqa: F403
from hornbeam.backend.random import *  # noqa: F403
from hornbeam.backend.recurrent import *  # noqa: F403
from hornbeam.backend.row_gradients import RowGradient, value_and_gradients
from hornbeam.backend.rows import function_keeps_rows, keeps_rows
from hornbeam.backend.tape import GradientTape
from hornbeam.backend.taped import Taped, Taping, is_taping, strip, untaped
from hornbeam.backend.taped import call as taped_call
from hornbeam.backend.taped import run as taped_run
from hornbeam.backend.tensors import *  # noqa: F403
from hornbeam.backend.variables import *  # noqa: F403
from hornbeam.backend.variables import Variable
from hornbeam.backend.words import WORDS, Spec, attach, get_uid_name, infer, is_symbolic, record, word
from hornbeam.config import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    image_dim_ordering,
    normalize_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
    set_image_dim_ordering,
)  # fmt: skip
from hornbeam.engines import engine, use_engine

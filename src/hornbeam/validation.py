"""Validation under the name people import it by: `from hornbeam.validation import k_fold`."""

from hornbeam.training.validation.kinds import hold_out, iterated_k_fold, k_fold
from hornbeam.training.validation.result import ValidationResult

__all__ = ["ValidationResult", "hold_out", "iterated_k_fold", "k_fold"]

"""Hold-out, K-fold and iterated K-fold validation, in which all folds share one compiled program."""

"""`import hornbeam.as_keras`: from here on `keras` and `tensorflow.keras` are Hornbeam. Goes above their import."""

from hornbeam.compat import install

install()

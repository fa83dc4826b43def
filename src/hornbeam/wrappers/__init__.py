"""Models behind the interfaces of other libraries: `wrappers.scikit_learn`, which needs the extra [data]."""

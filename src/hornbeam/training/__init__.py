"""Learning: data, steps, epochs, callbacks, and what people see of it. Models inherit it from `trainer`."""

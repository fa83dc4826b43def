"""Where batches come from: columns read as they are needed, streams of batches, and how each is recognised."""

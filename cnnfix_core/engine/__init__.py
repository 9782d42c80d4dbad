"""The method itself: record a forward pass on a tape, walk it backward, one rule per operation. Knows tensors only."""

"""The BatchNorm laboratory: a controlled experiment with and without a norm, and what is measured in it."""

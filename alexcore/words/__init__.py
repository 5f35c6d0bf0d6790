"""Values in words, for people. Knows nothing of the rest of the house."""

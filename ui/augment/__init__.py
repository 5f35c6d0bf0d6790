"""The page Augment."""

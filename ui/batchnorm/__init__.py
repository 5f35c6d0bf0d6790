"""The page BatchNorm."""

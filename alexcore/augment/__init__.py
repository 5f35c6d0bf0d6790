"""Transforms as data: what happens to a picture before the network sees it."""

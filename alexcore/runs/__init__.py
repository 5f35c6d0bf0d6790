"""A run is a folder: writing it, reading it, starting it, waiting for a turn."""

"""The built-in data set: flowers that are drawn."""

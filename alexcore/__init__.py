"""alexcore: a laboratory for learning image classification with AlexNet."""

__version__ = "0.2.0.dev0"

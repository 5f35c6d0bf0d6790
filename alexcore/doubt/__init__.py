"""When to doubt a prediction: the image is of another kind than the training images, or the network is unsure."""

"""The networks: AlexNet in its variants."""

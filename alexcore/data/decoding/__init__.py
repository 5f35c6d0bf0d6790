"""How the bytes of a file become a picture: one policy for all who ask."""

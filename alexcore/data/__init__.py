"""Data sets: where pictures come from, how classes are numbered, and how one picture is opened."""

"""What a list says: its rows, columns and labels, and the files that it names."""

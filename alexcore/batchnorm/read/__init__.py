"""What is read of an experiment's folder: numbers, tables and answers. Nothing here needs torch."""

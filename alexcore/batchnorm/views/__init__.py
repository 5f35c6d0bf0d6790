"""What an experiment shows, without a page: figures, one sentence from the numbers, and the numbers as a table.

The page and the report draw the same views.
"""

"""Tasks, the sources of their rows, how rows are split, and tables of one's own."""

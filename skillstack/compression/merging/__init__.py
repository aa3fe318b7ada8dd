"""Ways to make one update of several, one per file."""

"""Continual-learning methods, compared cell by cell on the same rows, base and steps."""

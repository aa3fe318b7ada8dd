"""Continual-learning methods against each other: cell by cell, on the same rows, base and steps."""

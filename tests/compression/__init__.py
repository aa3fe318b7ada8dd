"""Tests of merging and pruning. `merging.adapters` makes small adapters."""

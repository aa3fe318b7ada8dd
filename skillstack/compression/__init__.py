"""Fewer bytes for the same skills: adapters merged or cut, and frames pruned."""

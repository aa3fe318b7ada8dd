"""Training: the recipe, the loop, its checkpoints, and the making of a frame."""

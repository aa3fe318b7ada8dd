"""Questions about a stack that its tasks' accuracies do not answer."""

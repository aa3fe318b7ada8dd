"""What could take the place of a family's frames; a file for each way."""

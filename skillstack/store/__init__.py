"""The store: immutable records and nodes by digest, stacks that point at them, and an undo."""

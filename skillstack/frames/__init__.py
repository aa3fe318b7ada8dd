"""The store: immutable contents and nodes by digest, stacks that point at them, and an undo."""

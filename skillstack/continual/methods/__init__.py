"""Ways to learn one task after another, one per file, all on the same terms."""

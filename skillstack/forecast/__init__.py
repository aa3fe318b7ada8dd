"""What this machine can do, and what a training would need, told before it begins: `doctor` and `--dry-run`.

Nothing here loads weights or writes. `doctor` works where torch or another library is missing or broken.
"""

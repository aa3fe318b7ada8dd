"""``python -m skillstack``: the same as the console script."""

from __future__ import annotations

from skillstack.cli.group import main

if __name__ == "__main__":
    main()

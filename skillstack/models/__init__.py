"""Bases, their input and output, and the one adapter slot: all that touches torch before training does.

Importing this package is cheap; its modules load torch. Idle OpenMP threads sleep instead of spinning, which
makes training several times faster beside another busy process; that must be set before torch starts.
"""

import logging
import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# At import, bitsandbytes warns on every machine without a GPU that an optional faster kernel is not there.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)

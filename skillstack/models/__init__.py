"""Bases, their input and output, and the one adapter slot: all that touches torch before training does.

Importing this package is cheap; its modules load torch. What is set here must be set before torch starts:
idle OpenMP threads sleep instead of spinning, which makes training several times faster beside another busy
process; and of oneDNN's compiled products, of which each shape of a batch needs its own, a few are kept
instead of thousands, which would fill gigabytes.
"""

import logging
import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
for _name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
    os.environ.setdefault(_name, "64")
# At import, bitsandbytes warns on every machine without a GPU that an optional faster kernel is not there.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)

"""An adapter and a head for each task, trained alone: a folder of adapters, without lineage between them.

Trained as frames are, candidates on dev and all, but never from another task's adapter, and without a router.
"""

from __future__ import annotations

import dataclasses

from skillstack.continual.method import Method, MethodContext
from skillstack.continual.methods.frames import Frames


class Independent(Frames):
    """Frames that start from nothing."""

    def __init__(self, terms: MethodContext) -> None:
        place = terms.place and dataclasses.replace(terms.place, fit_router=lambda chain: None)
        recipe = dataclasses.replace(terms.recipe, init="fresh")
        super().__init__(dataclasses.replace(terms, place=place, recipe=recipe))


METHOD = Method("independent", "Independent adapters", "", Independent, stored=True)

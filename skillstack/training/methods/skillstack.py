"""Frames on a stack: an adapter and a head per task, started from the frame below or a relative of it.

The product itself. A router answers where nobody says which task a text belongs to.
"""

from __future__ import annotations

import dataclasses

from skillstack.frames.records import Content
from skillstack.training.methods.cost import Cost
from skillstack.training.methods.frames import Frames
from skillstack.training.methods.method import Method


class SkillStack(Frames):
    """Frames and their router."""

    @property
    def cost(self) -> Cost:
        """Besides adapters and heads the router; the texts are those that it is fitted on."""
        cost, chain = super().cost, self.chain()
        texts = sum(self._sample_bytes(content) for _, content in chain)
        return dataclasses.replace(cost, bytes=cost.bytes + self.place.router_bytes(chain), texts=texts)

    def _sample_bytes(self, content: Content) -> int:
        return sum(
            len(self.place.store.read(f"samples/{skill.samples}"))
            for skill in content.skills
            if skill.samples is not None
        )


METHOD = Method("skillstack", "SkillStack frames", "", SkillStack, stored=True)

"""The model card of a compressed frame: what it was made of, how it did, and its answers with plain PEFT."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from skillstack.compression.result import SkillChange
from skillstack.store.records import FrameRecord, Skill
from skillstack.training.card import front_matter, usage
from skillstack.wording import many


@dataclass(frozen=True)
class Making:
    """How a compressed frame came to be.

    :ivar name: of the proposal that it is.
    :ivar heads: how it came by its heads.
    :ivar changes: its skills before and after, on dev rows.
    """

    name: str
    heads: str
    changes: tuple[SkillChange, ...]


def write_card(name: str, content: FrameRecord, skills: Sequence[Skill], made: Making) -> str:
    """The card's Markdown.

    :param content: a frame of the same base.
    :param skills: those of the new frame, with their new heads.
    :param made: how it was made.
    """
    base = content.base
    lines = [
        *front_matter(base),
        "",
        f"# {name}",
        "",
        f"A SkillStack frame made by compression ({made.name}; heads: {made.heads}): "
        f"a LoRA adapter with {many(len(skills), 'skill')}.",
        "",
        f"- base: `{base.name}`" + (f", revision `{base.revision}`" if base.revision else ""),
        f"- weights: `{base.weights}`",
    ]
    for change in made.changes:
        lines.append(
            f"- {change.skill}: {100 * change.after.accuracy:.1f} % of {change.after.n} dev rows, by which "
            f"it was chosen ({100 * change.before.accuracy:.1f} % before)"
        )
    for skill in skills:
        labels = ", ".join(
            f"{place} {json.dumps(label, ensure_ascii=False)}" for place, label in enumerate(skill.labels)
        )
        lines.append(f"- labels of {skill.name}: {labels}; head `{skill.head}`")
    first = skills[0]
    lines += [
        "",
        f"What follows is for {first.name}; the others take their own heads.",
        "",
        *usage(first.rendering, content.pooling, first.head, pair=first.pair),
    ]
    return "\n".join(lines)

"""The model card of a compressed frame: what it was made of, how it did, and its answers with plain PEFT."""

from __future__ import annotations

import json
from collections.abc import Sequence

from skillstack.compression.result import Candidate
from skillstack.frames.records import Content, Skill
from skillstack.training.card import front_matter, usage
from skillstack.wording import many


def write_card(name: str, content: Content, skills: Sequence[Skill], candidate: Candidate) -> str:
    """The card's Markdown.

    :param content: a frame of the same base.
    :param skills: those of the new frame, with their new heads.
    """
    base = content.base
    lines = [
        *front_matter(base),
        "",
        f"# {name}",
        "",
        f"A SkillStack frame made by compression ({candidate.name}; heads: {candidate.heads}): "
        f"a LoRA adapter with {many(len(skills), 'skill')}.",
        "",
        f"- base: `{base.name}`" + (f", revision `{base.revision}`" if base.revision else ""),
        f"- weights: `{base.weights}`",
    ]
    for change in candidate.dev.skills:
        if change.skill in {skill.name for skill in skills}:
            lines.append(
                f"- {change.skill}: {100 * change.after.accuracy:.1f} % of {change.after.n} held-back rows "
                f"({100 * change.before.accuracy:.1f} % before)"
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

"""Families of skills: what compression may merge, and how a decoder asks when a task brings no prompt."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """Skills of one kind.

    :ivar name: as it stands in a skill's record.
    :ivar description: one sentence for people.
    :ivar question: what a decoder is asked about a text whose task has no prompt of its own.
    """

    name: str
    description: str
    question: str


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("sentiment", "How somebody feels about something.", "What is the sentiment?"),
        Family("topic", "What a text is about.", "What is the topic?"),
        Family("intent", "What a person wants an assistant to do.", "What is the intent?"),
        Family("nli", "Whether one text follows from another.", "Does the second follow from the first?"),
        Family("paraphrase", "Whether two texts mean the same.", "Do both mean the same?"),
        Family("qa", "The answer to a question, from a passage.", "What is the answer?"),
    )
}

#: Asked about a text of any other family.
DEFAULT_QUESTION = "Which category?"


def default_prompt(family: str, *, pair: bool) -> str:
    """A prompt for a task that has none: it ends where the answer would stand.

    :param family: a known family's name or any other.
    """
    known = FAMILIES.get(family)
    question = known.question if known else DEFAULT_QUESTION
    texts = "First text: {text}\nSecond text: {text_pair}" if pair else "Text: {text}"
    return f"{texts}\nQuestion: {question} Answer:"

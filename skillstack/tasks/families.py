"""Families of skills: what compression may merge, and how a decoder asks when a task brings no prompt."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """Skills of one kind.

    :ivar name: as it stands in a skill's record.
    :ivar description: one sentence for people.
    :ivar ending: how a decoder's prompt ends for a text whose task has no prompt of its own. Small models
        go on with a sentence far better than they answer a question.
    :ivar question: what a decoder is asked about a pair of texts.
    """

    name: str
    description: str
    ending: str
    question: str


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family(
            "sentiment",
            "How somebody feels about something.",
            "The sentiment of this text is",
            "What is the sentiment?",
        ),
        Family("topic", "What a text is about.", "Category:", "What is the topic?"),
        Family(
            "intent",
            "What a person wants an assistant to do.",
            "The intent of this request is",
            "What is the intent?",
        ),
        Family(
            "nli",
            "Whether one text follows from another.",
            "Category:",
            "Does the second follow from the first?",
        ),
        Family("paraphrase", "Whether two texts mean the same.", "Category:", "Do both mean the same?"),
        Family("qa", "The answer to a question, from a passage.", "The answer is", "What is the answer?"),
    )
}

_OTHER = Family("", "Any other.", "Category:", "Which category?")


def default_prompt(family: str, *, pair: bool) -> str:
    """A prompt for a task that has none: it ends where the answer would stand.

    :param family: a known family's name or any other.
    """
    known = FAMILIES.get(family, _OTHER)
    if pair:
        return f"First text: {{text}}\nSecond text: {{text_pair}}\nQuestion: {known.question} Answer:"
    return f"{{text}}\n{known.ending}"

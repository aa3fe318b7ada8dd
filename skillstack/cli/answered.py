"""Routes and predictions in words."""

from __future__ import annotations

from skillstack.answers import Agreement, Predicted, Routed
from skillstack.cli.render import width
from skillstack.cli.words import pairs, short, shorten
from skillstack.wording import clean, clean_line, percent

#: How many of the next candidates are named.
NEXT = 3
#: How many labels are listed with their probability.
LABELS = 3


def route_words(routed: Routed) -> list[str]:
    """A route, whole: lines of at most 80 columns."""
    title = "rejected: no skill fits" if routed.task is None else f"{routed.task} ({routed.family})"
    return [clean_line(title), *_details(routed, [])]


def prediction_words(predicted: Predicted) -> list[str]:
    """A prediction, whole."""
    routed = predicted.routed
    if predicted.label_name is None:
        return route_words(routed)
    ranked = sorted(predicted.probabilities.items(), key=lambda item: -item[1])
    others = ", ".join(f"{shorten(name, 30)} {percent(p)}" for name, p in ranked[1 : 1 + LABELS])
    if len(ranked) > 1 + LABELS:
        others += f", {len(ranked) - 1 - LABELS} more"
    details = [("other labels", others), ("task", f"{routed.task} ({routed.family})")]
    if predicted.truncated:
        details.append(("note", "the text was too long and was cut"))
    title = f"{predicted.label_name} ({percent(predicted.probabilities[predicted.label_name])})"
    return [clean_line(title), *_details(routed, details)]


def agreement_words(agreement: Agreement | None) -> str:
    """What a change of precision does to the answers."""
    if agreement is None:
        return "The frames were trained at this precision."
    return (
        f"The frames were trained at {agreement.trained}; at {agreement.held} they give the same label to "
        f"{agreement.same} of {agreement.n} test questions."
    )


def route_line(text: str, routed: Routed) -> str:
    """A route in a list of many."""
    head = f"{percent(routed.confidence):>7}  {routed.task or 'rejected':<16}"
    return _with_text(head, text)


def prediction_line(text: str, predicted: Predicted) -> str:
    """A prediction in a list of many."""
    name = predicted.label_name
    share = percent(predicted.probabilities[name]) if name is not None else ""
    head = f"{share:>7}  {shorten(name or 'rejected', 24):<16}  {predicted.routed.task or '-':<16}"
    return _with_text(head, text)


def _with_text(head: str, text: str) -> str:
    return f"{clean(head)}  {shorten(text, max(width() - len(head) - 11, 12))}"


def _details(routed: Routed, first: list[tuple[str, str]]) -> list[str]:
    confidence = f"{percent(routed.confidence)}, score {routed.score:.3f}"
    if not routed.calibrated:
        confidence += " (not calibrated)"
    details = list(first)
    if routed.frame is not None:
        details.append(("frame", f"{routed.frame} {short(routed.frame_id)}"))
    if routed.router == "none":  # the frame was named
        return pairs(details)
    details += [("confidence", confidence), ("how", f"{_how(routed)}, by {routed.router}")]
    others = [r for r in routed.ranking if r.task != routed.task][:NEXT]
    if others:
        details.append(("next", ", ".join(f"{r.task} {r.score:.3f}" for r in others)))
    return pairs(details)


def _how(routed: Routed) -> str:
    if routed.fallback:
        return f"no score reached the threshold in {routed.depth} looked at, so the best of all"
    if not routed.accepted:
        return "the best score is below the threshold"
    if routed.router == "hybrid_chain":
        return f"accepted at depth {routed.depth}"
    return "the best score"

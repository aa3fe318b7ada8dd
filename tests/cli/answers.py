"""Answers made by hand."""

from skillstack.results import Frame, Predicted, RankedSkill, Route
from skillstack.store.store import Store

ROUTED = Route(
    skill="cards",
    task="cards",
    family="intent",
    frame="cards",
    frame_id="ab" * 32,
    score=1.2341,
    confidence=0.973,
    calibrated=True,
    accepted=True,
    fallback=False,
    depth=2,
    router="hybrid_chain",
    ranking=(
        RankedSkill("cards", "cards", 1.2341),
        RankedSkill("trips", "trips", 0.1),
        RankedSkill("films", "films", -0.5),
    ),
)
PREDICTED = Predicted(ROUTED, 1, "block_card", {"other": 0.1, "block_card": 0.9})


def frames_of(store: Store, stack: str) -> tuple[Frame, ...]:
    """The frames of a stack, newest first."""
    chain = list(store.chain(stack))
    names = {node_id: store.content(node.content).name for node_id, node in chain}
    return tuple(
        Frame(
            id=node_id,
            position=len(chain) - 1 - place,
            content_id=node.content,
            content=store.content(node.content),
            parent=node.parent,
            parent_name=names[node.parent] if node.parent else None,
        )
        for place, (node_id, node) in enumerate(chain)
    )

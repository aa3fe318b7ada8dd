from skillstack.cli.log import history_json, history_words
from skillstack.cli.undo import change, change_words
from skillstack.store import transactions
from skillstack.store.history import read_history


def test_an_undo_names_the_frames_that_go(made):
    transaction = transactions.undo(made.store, "mine", dry_run=True)
    changed = change(made.store, transaction.after, transaction.before)
    assert (changed.removed, changed.restored, changed.tip) == (("trips",), (), made.nodes[1])
    text = "\n".join(change_words("undo", "mine", transaction, changed, dry_run=True))
    assert "would remove 1 frame: trips" in text


def test_a_change_to_nothing_leaves_an_empty_stack(made):
    changed = change(made.store, made.nodes[2], None)
    assert changed.removed == ("trips", "cards", "films")
    transaction = transactions.undo(made.store, "mine", dry_run=True)
    assert "  the stack is empty" in change_words("undo", "mine", transaction, changed, dry_run=False)


def test_a_damaged_frame_can_still_be_named_by_its_id(made):
    content = made.store.node(made.nodes[2]).content
    (made.store.root / "contents" / f"{content}.json").write_bytes(b"{}")
    changed = change(made.store, made.nodes[2], made.nodes[1])
    assert changed.removed == (f"(damaged) {made.nodes[2][:8]}",)


def test_the_history_lists_changes_newest_first_and_marks_what_was_undone(made):
    transactions.undo(made.store, "mine")
    history = read_history(made.store, "mine")
    found = history_json(history)
    assert [(entry["id"], entry["undone"], entry["steps"]) for entry in found] == [
        ("second", True, 1),
        ("first", False, 2),
    ]
    text = history_words("mine", history)
    assert text[0] == "mine: 2 changes, 1 of them undone"
    assert "(undone) train trips" in text[2]

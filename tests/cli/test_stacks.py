"""skillstack stacks: the list, and names renamed, copied and deleted."""

from __future__ import annotations

import pytest


def names(ran):
    return [row["name"] for row in ran.json["stacks"]]


def test_rename_moves_the_name_and_undo_takes_it_back(command, made):
    ran = command("stacks", "rename", "mine", "tickets")
    assert (ran.status, ran.err) == (0, "")
    assert "The stack mine is called tickets now" in ran.out and "undo --stack tickets" in ran.out
    (row,) = command("stacks", "--json").json["stacks"]
    assert (row["name"], row["tip"], row["current"], row["deleted"]) == (
        "tickets",
        made.nodes[2],
        True,
        False,
    )
    assert names(command("stacks", "--all", "--json")) == ["mine", "tickets"]
    assert "deleted" in command("stacks", "--all").out
    assert command("undo").status == 0
    assert names(command("stacks", "--json")) == ["mine"]
    assert command("redo", "--stack", "mine").status == 0
    assert names(command("stacks", "--json")) == ["tickets"]


def test_undo_of_a_rename_says_under_the_new_name_where_the_frames_are(command, made):
    command("stacks", "rename", "mine", "tickets")
    would = command("undo", "--dry-run").out
    assert "the stack tickets would be called mine again" in would
    ran = command("undo")
    assert "the stack tickets is called mine again" in ran.out
    assert "3 frames: trips, cards, films" in ran.out
    assert "removed" not in ran.out and "empty" not in ran.out
    assert "the stack mine is called tickets again" in command("redo").out
    assert "restored 3 frames" in command("undo", "--stack", "mine").out


def test_undo_of_a_rename_is_refused_where_the_old_name_is_in_use_again(command, made):
    command("stacks", "rename", "mine", "tickets")
    from skillstack.store.transactions import move

    move(made.store, "mine", "push", made.nodes[0], expected=None, transaction="t", note="a branch")
    ran = command("undo", "--stack", "tickets")
    assert (ran.status, len(ran.err.splitlines())) == (2, 2)
    assert made.store.tip("tickets") == made.nodes[2]


def test_copy_and_delete(command, made):
    found = command("stacks", "copy", "mine", "twin", "--json").json
    assert found == {"schema": 1, "action": "copy", "stack": "mine", "new": "twin", "tip": made.nodes[2]}
    assert names(command("stacks", "--json")) == ["mine", "twin"]
    ran = command("stacks", "delete", "twin")
    assert "The stack twin is deleted" in ran.out and "undo --stack twin" in ran.out
    assert names(command("stacks", "--json")) == ["mine"]
    assert "restored 3 frames" in command("undo", "--stack", "twin").out
    assert names(command("stacks", "--json")) == ["mine", "twin"]
    assert "delete the stack twin" in command("log", "--history", "--stack", "twin").out
    assert command("verify").status == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("remove", "mine"),
        ("rename", "mine"),
        ("delete",),
        ("delete", "mine", "twin"),
        ("copy", "mine", "mine"),
        ("copy", "mine", "../up"),
        ("copy", "mine", "reference"),
        ("delete", "mine", "--all"),
        ("delete", "mine", "--stack", "mine"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_changes(command, made, arguments):
    ran = command("stacks", *arguments)
    assert ran.status == 2
    assert len(ran.err.splitlines()) == 2
    assert names(command("stacks", "--all", "--json")) == ["mine"]

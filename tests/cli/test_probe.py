"""probe, on a stack that was really trained."""

import shutil

import pytest

FEW = ("--eval-samples-per-class", "2")


@pytest.fixture
def probed(trained, tmp_path, command):
    """Command lines in a folder with a copy of the trained stack."""
    for name in ("frames", "routers"):
        shutil.copytree(trained / name, tmp_path / name)
    return command


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "generalization",
            ("4 unseen texts of each of 2 tasks, mixed", "best single frame", "too optimistic"),
        ),
        (
            "order",
            ("34 test texts, the same scores walked in 2 orders", "stack", "reversed", "banking, imdb"),
        ),
        ("redundancy", ("2 frames on 2 tasks", "none", "* On its own task")),
    ],
)
def test_it_answers_in_words_of_eighty_columns(probed, name, words):
    ran = probed("probe", name, *FEW)
    assert ran.status == 0, ran.err
    for some in words:
        assert some in ran.out
    assert all(len(line) <= 80 for line in ran.out.splitlines())
    assert " answers, " in ran.out.splitlines()[-1]


@pytest.mark.parametrize("name", ["generalization", "order", "redundancy"])
def test_it_answers_as_one_document_and_asks_nothing_twice(probed, name):
    first = probed("probe", name, *FEW, "--json")
    assert first.status == 0, first.err
    again = probed("probe", name, *FEW, "--json").json
    assert (again["schema"], again["probe"], again["stack"]) == (1, name, "tiny")
    assert again["effort"]["asked"] == 0
    assert {**first.json, "effort": None} == {**again, "effort": None}


def test_what_eval_asked_is_known_to_the_probes(probed):
    assert probed("eval", *FEW, "--matrix").status == 0
    for name in ("generalization", "redundancy"):
        assert probed("probe", name, *FEW, "--json").json["effort"]["asked"] == 0


def test_options_reach_the_probe(probed):
    orders = probed(
        "probe", "order", *FEW, "--orders", "0", "--threshold", "99", "--depth", "1", "--json"
    ).json
    assert [walk["order"] for walk in orders["orders"]] == ["stack", "reversed"]
    assert orders["threshold"] == 99 and orders["orders"][0]["fallback"] == 1
    few = probed(
        "probe", "generalization", *FEW, "--texts", "3", "--seed", "7", "--task", "banking", "--json"
    )
    assert (few.json["texts_per_task"], few.json["seed"], few.json["tasks"]) == (3, 7, ["banking"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ordre",), "There is no probe 'ordre'."),
        (("order", "--texts", "5"), "--texts belongs to the probe generalization."),
        (("redundancy", "--orders", "5"), "--orders belongs to the probe order."),
        (("order", "--seed", "-1"), "The seed -1 is below 0."),
        (("generalization", "--texts", "0"), "0 is not in the range"),
        (("generalization", "--texts", "1"), "1 is not in the range"),
        (("order", "--threshold", "much"), "Invalid threshold 'much'."),
        (("order", "--task", "bankin"), "The stack 'tiny' has no 'bankin'.\nDid you mean 'banking'?"),
    ],
)
def test_what_cannot_be_meant_is_refused(probed, arguments, message):
    ran = probed("probe", *arguments)
    assert ran.status == 2 and ran.out == ""
    assert message in ran.err


def test_without_a_name_it_says_what_there_is(probed):
    ran = probed("probe")
    assert ran.status == 2 and "GENERALIZATION" in ran.err.upper()


def test_its_help_has_examples(command):
    ran = command("probe", "--help")
    assert ran.status == 0 and "skillstack probe order --orders 10" in ran.out

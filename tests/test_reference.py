"""The stack that ships with the package."""

from pathlib import Path

import pytest

from skillstack.errors import StoreError
from skillstack.stack import Stack
from skillstack.store.samples import ReferenceSamples

ROOT = Path(__file__).resolve().parents[1]
FILES = (ROOT / "scripts" / "reference_files.txt").read_text(encoding="utf-8").split()


@pytest.fixture(scope="module")
def reference() -> Stack:
    return Stack.open(ROOT / "frames", "reference")


def test_it_holds_the_starter_tasks_in_their_order(reference):
    names = [frame.name for frame in reference]
    assert names[::-1] == [
        "imdb_sentences",
        "yelp_sentences",
        "amazon_sentences",
        "wiki_topics",
        "banking",
        "travel",
        "home",
        "work",
    ]


def test_it_has_at_most_ten_megabytes():
    assert sum((ROOT / name).stat().st_size for name in FILES) <= 10_000_000


def test_every_file_of_it_is_listed(reference):
    for frame in reference:
        needed = {f"frames/{name}" for name in frame.content.files}
        assert needed <= set(FILES)


def test_it_holds_no_text_of_the_data(reference):
    for frame in reference:
        for skill in frame.skills:
            assert isinstance(reference.store.samples(skill.samples), ReferenceSamples)


def test_routing_needs_no_model(reference):
    routed = reference.route("please block my card")
    assert (routed.task, routed.family, routed.frame) == ("banking", "intent", "banking")


def test_its_router_state_is_there_and_fits(reference):
    assert (reference.router_folder() / "state.json").is_file()


def test_it_answers(reference):
    answers = reference.predict(["please block my card", "the soup was cold and nobody cared"])
    assert answers[0].label_name in ("freeze_account", "account_blocked", "report_fraud")
    assert answers[1].label_name == "negative"


def test_it_proves_itself_whole(reference):
    checked, canaries = reference.verify(deep=True)
    assert checked.ok, checked.problems
    assert len(canaries) == 8
    assert all(canary.ok for canary in canaries), canaries


def test_nobody_changes_it(reference):
    with pytest.raises(StoreError, match="reading only"):
        reference.undo()

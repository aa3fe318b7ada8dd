"""Which frames a family is better compressed without, with figures worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from skillstack.compression.blocking import blocking
from skillstack.compression.families import Family
from skillstack.compression.result import Candidate, Judged, SkillChange, Whole
from skillstack.evaluation.intervals import Interval
from skillstack.evaluation.noninferiority import non_inferior
from skillstack.store.records import Count

NAMES = ("imdb_sentences", "wiki_topics", "yelp_sentences", "home")
PLENTY = dict.fromkeys(NAMES, 3000)


@pytest.fixture
def family(stack):
    """Four frames, whatever families they have."""
    return Family("all", tuple(reversed(stack.frames())))


def candidate(lost, *, gained=0, others=0, verdict="cannot tell"):
    """One frame in their place, by which skills lose so many of 400 dev rows."""
    changes = []
    for name in NAMES:
        before, after = np.ones(400, dtype=bool), np.ones(400, dtype=bool)
        after[: lost.get(name, 0)] = False
        before[400 - gained :] = False
        test = non_inferior(before, after, margin=0.02, level=0.05)
        counts = Count(int(before.sum()), 400), Count(int(after.sum()), 400)
        changes.append(SkillChange(name, name, name, *counts, Interval(-1, 1), test))
    whole = Whole(0.9, 0.9)
    dev = Judged("dev", tuple(changes), whole, whole, others, 1000)
    return Candidate("linear", "merge", "refit", True, 1, 1, dev, verdict, "", 0.0)


def test_a_task_that_loses_much_keeps_the_others_from_becoming_one(family):
    assert blocking(family, [candidate({"wiki_topics": 40})], PLENTY) == ("wiki_topics",)


def test_a_task_with_few_guard_rows_does_so_too(family):
    assert blocking(family, [candidate({})], {**PLENTY, "home": 20}) == ("home",)


def test_where_one_should_pass_nobody_blocks(family):
    tried = [candidate({"home": 40}), candidate({}, verdict="should pass")]
    assert blocking(family, tried, PLENTY) == ()


def test_fewer_than_two_are_nothing_to_merge(family):
    assert blocking(family, [candidate({})], {**dict.fromkeys(NAMES, 20), "home": 3000}) == ()


def test_the_candidate_without_which_the_fewest_stay_away_decides(family):
    tried = [candidate({"home": 40, "wiki_topics": 40}), candidate({"home": 40})]
    assert blocking(family, tried, PLENTY) == ("home",)


def test_a_frame_of_several_skills_goes_as_a_whole(family):
    first, second, third, last = family.frames
    both = replace(first, content=replace(first.content, skills=first.skills + second.skills))
    assert blocking(Family("all", (both, third, last)), [candidate({"wiki_topics": 40})], PLENTY) == (
        "imdb_sentences",
    )


def test_where_texts_of_others_are_routed_elsewhere_those_stay_that_others_lie_between(family):
    astray, (first, second, third, last) = candidate({}, others=30), family.frames
    assert blocking(Family("some", (first, third, last)), [astray], PLENTY) == ("imdb_sentences",)
    assert blocking(Family("some", (second, last)), [astray], PLENTY) == ()
    assert blocking(family, [astray], PLENTY) == ()


def test_where_nothing_is_known_of_other_families_leaving_frames_out_is_no_help(family):
    one = candidate({"home": 40})
    unknown = replace(one, dev=replace(one.dev, others_of=0, unasked=("mails",)))
    assert blocking(family, [unknown], PLENTY) == ()


def test_what_only_makes_adapters_smaller_is_blocked_by_nobody(family):
    assert blocking(family, [replace(candidate({"home": 40}), merges=False)], PLENTY) == ()

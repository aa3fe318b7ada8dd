"""A plan changes nothing, and its figures are those of what would be carried out."""

import numpy as np
import pytest

from skillstack.compression.adapters import Adapter
from skillstack.compression.candidates.rank import truncated
from skillstack.compression.planning import Planner
from skillstack.errors import InputError, IntegrityError, UsageError

from .world import WIDE, adapter_of, compress, files, planner_of, right, with_adapter


def test_a_plan_changes_no_file(stack):
    root = stack.store.root
    before, routers = files(root), files(root.parent / "routers")
    found = compress(stack, method="merge")
    assert not found.applied and found.guarded is None and found.tip is None
    assert files(root) == before and files(root.parent / "routers") == routers


def test_candidates_come_smallest_first_and_the_first_that_should_pass_is_chosen(planner):
    plan = planner.plan()
    sizes = [one.bytes for one in plan.candidates]
    assert sizes == sorted(sizes)
    good = [one.name for one in plan.candidates if one.verdict == "should pass"]
    assert plan.chosen == (good[0] if good else None)
    assert {one.way for one in plan.candidates} == {"anchor", "merge", "rank"}


def test_every_way_to_come_by_heads_is_tried_and_dev_decides(planner):
    assert {tried.candidate.heads for tried in planner.tried} - {"own"}
    for tried in planner.tried:
        assert set(tried.heads) == {"imdb_sentences", "yelp_sentences"}
        assert tried.candidate.merges == (tried.candidate.way != "rank")


def test_each_candidate_is_told_before_it_is_tried(stack):
    told = []
    found = compress(stack, method="rank", on_candidate=told.append)
    names = [one for one in told if not one.endswith(", heads on more rows")]
    assert sorted(names) == sorted(one.name for one in found.plan.candidates)
    again = [one.removesuffix(", heads on more rows") for one in told if one not in names]
    assert 1 <= len(again) <= 2 and set(again) <= set(names)


def test_heads_on_more_rows_are_taken_only_where_dev_rows_prefer_them(stack, monkeypatch):
    more = {one.name: one for one in compress(stack, method="merge").plan.candidates}
    monkeypatch.setattr(Planner, "_fit_more", lambda self: None)
    for one in compress(stack, method="merge").plan.candidates:
        again = more[one.name]
        if again.heads.endswith("more rows"):
            assert again.dev.mean_difference > one.dev.mean_difference
        else:
            assert again == one


@pytest.mark.parametrize(
    ("options", "error", "message", "hint"),
    [
        (
            {"family": "sentimant"},
            UsageError,
            "no skills of a family 'sentimant'",
            "Did you mean 'sentiment'",
        ),
        ({"method": "anchr"}, UsageError, "no way of compressing called 'anchr'", "Did you mean 'anchor'"),
        ({"candidate": "rank 3", "method": "rank"}, UsageError, "no candidate 'rank 3'", "Did you mean"),
        ({"margin": 0.0}, UsageError, "A margin of 0.0 means nothing", "between 0 and 0.5"),
        ({"margin": float("nan")}, UsageError, "A margin of nan means nothing", "between 0 and 0.5"),
        ({"level": 0.5}, UsageError, "A level of 0.5 means nothing", "between 0 and 0.5"),
        ({"tables": {"imbd_sentences": "a.csv"}}, UsageError, "has no 'imbd_sentences'", "imdb_sentences"),
        ({"tables": {"imdb_sentences": "a.csv"}}, InputError, "a.csv", ""),
    ],
)
def test_what_cannot_be_meant_is_refused(stack, options, error, message, hint):
    with pytest.raises(error) as caught:
        compress(stack, **options)
    assert message in caught.value.message and hint in caught.value.hint


def test_a_family_of_one_frame_has_nothing_to_merge_but_can_be_cut(stack):
    with pytest.raises(UsageError, match="has one frame") as caught:
        compress(stack, "topic", method="merge")
    assert "--method rank" in caught.value.hint
    assert {one.way for one in compress(stack, "topic").plan.candidates} == {"rank"}


def test_two_rows_leave_none_to_choose_by(stack, tmp_path):
    (tmp_path / "few.csv").write_text("text,label\nLovely.,positive\nDreadful.,negative\n")
    with pytest.raises(InputError, match="leave none to choose by") as caught:
        compress(stack, tables={"imdb_sentences": tmp_path / "few.csv"})
    assert "--rows imdb_sentences=FILE" in caught.value.hint


def test_without_guard_rows_nothing_passes_even_when_it_is_asked_for_by_name(stack, tmp_path):
    lines = [
        "text,label",
        *(
            f"It is {word} {n}.,{label}"
            for label, word in (("positive", "fine"), ("negative", "foul"))
            for n in range(2)
        ),
    ]
    (tmp_path / "few.csv").write_text("\n".join(lines))
    tables = {"imdb_sentences": tmp_path / "few.csv"}
    tip = stack.store.tip(stack.name)
    found = compress(stack, tables=tables, method="rank", candidate="rank 2", apply=True)
    assert found.plan.guard_rows["imdb_sentences"] < 3
    assert found.guarded.verdict == "cannot tell" and "imdb_sentences" in found.guarded.why
    assert not found.applied and stack.store.tip(stack.name) == tip


def test_adapters_of_rank_one_cannot_be_cut(stack):
    for name in ("imdb_sentences", "yelp_sentences"):
        with_adapter(stack, name, truncated(adapter_of(stack, name), 1))
    with pytest.raises(UsageError, match="nothing to make smaller"):
        compress(stack, method="rank")
    assert {one.way for one in compress(stack, method="anchor").plan.candidates} == {"anchor"}


def test_an_adapter_that_changes_nothing_is_named(stack):
    one = adapter_of(stack, "imdb_sentences")
    zero = {n: np.zeros_like(t) if "lora_B" in n else t for n, t in one.tensors.items()}
    with_adapter(stack, "imdb_sentences", Adapter(zero, one.spec))
    with pytest.raises(UsageError, match="adapter of the frame 'imdb_sentences' is zero"):
        compress(stack)


@pytest.mark.parametrize("method", ["anchor", "merge", "rank"])
def test_an_adapter_that_is_not_finite_is_refused(stack, method):
    one = adapter_of(stack, "imdb_sentences")
    with_adapter(
        stack,
        "imdb_sentences",
        Adapter({n: np.full_like(t, np.inf) for n, t in one.tensors.items()}, one.spec),
    )
    tip = stack.store.tip(stack.name)
    with pytest.raises(IntegrityError, match="that is not finite"):
        compress(stack, method=method, apply=True)
    assert stack.store.tip(stack.name) == tip


def test_adapters_of_other_ranks_and_layers_merge_and_answer_as_planned(stack):
    one = truncated(adapter_of(stack, "imdb_sentences"), 3)
    fewer = {n: t for n, t in one.tensors.items() if ".layer.3." in n and ("query" in n or "value" in n)}
    with_adapter(stack, "imdb_sentences", Adapter(fewer, one.spec))
    planner = planner_of(stack, method="merge")
    plan = planner.plan()
    assert all(one.merges for one in plan.candidates)
    assert {"linear, rank 4", "linear, rank 2"} & {one.name for one in plan.candidates}
    for row in planner.rows:
        found = planner.judge.own(row, "dev", planner.now.answering[row.skill.name])
        assert found.tolist() == right(stack, row.skill.name, "dev", routed=False)


def test_a_wider_margin_only_makes_more_pass(stack):
    narrow = compress(stack, method="rank", margin=0.01)
    wide = compress(stack, method="rank", **WIDE)
    passing = [
        {one.name for one in found.plan.candidates if one.verdict == "should pass"}
        for found in (narrow, wide)
    ]
    assert passing[0] <= passing[1]


def test_two_frames_of_the_same_numbers_are_two_files_and_stay_two_when_they_are_cut(stack):
    with_adapter(stack, "yelp_sentences", adapter_of(stack, "imdb_sentences"))
    plan = compress(stack, method="rank").plan
    assert plan.family_bytes == 2 * adapter_of(stack, "imdb_sentences").bytes
    assert not any(one.merges for one in plan.candidates)

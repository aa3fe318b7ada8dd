"""A plan changes nothing, and its figures are those of what would be carried out."""

import numpy as np
import pytest

from skillstack.compression import evaluate
from skillstack.compression.deltas import Adapter
from skillstack.compression.evaluate import answers_today
from skillstack.compression.pipeline import FULL
from skillstack.compression.request import STRATEGY_NAMES
from skillstack.compression.rows import SCREEN_DEV_ROWS
from skillstack.compression.strategies import STRATEGIES
from skillstack.compression.trial import Trial
from skillstack.errors import BusyError, InputError, IntegrityError, UsageError

from .world import WIDE, adapter_of, compress, files, plan_of, right, with_adapter


def test_a_request_knows_the_names_of_all_strategies():
    assert tuple(STRATEGIES) == STRATEGY_NAMES


def test_a_plan_changes_no_file(stack):
    root = stack.store.root
    before, routers = files(root), files(root.parent / "routers")
    found = compress(stack, method="merge")
    assert not found.applied and found.guarded is None and found.tip is None
    assert files(root) == before and files(root.parent / "routers") == routers


def test_a_plan_is_applied_later_under_the_guard_and_only_once(stack):
    plan = compress(stack, method="merge", candidate="linear, rank 2")
    done = plan.apply()
    assert done.applied and stack.frames()[0].id == done.tip
    assert done.plan == plan.plan and "sentiment" in repr(done) and "sentiment" in repr(plan)
    with pytest.raises(UsageError, match="nothing to apply"):
        done.apply()
    with pytest.raises(BusyError):
        plan.apply()


def test_a_second_plan_is_the_same_and_asks_no_model(stack, monkeypatch):
    first = compress(stack, method="merge")

    def no_model(*_, **__):
        raise AssertionError("the model was asked")

    monkeypatch.setattr("skillstack.compression.trial.features", no_model)
    assert compress(stack, method="merge").to_json() == first.to_json()


def test_a_frame_that_is_left_out_stays_as_it_is_and_its_texts_are_none_of_another_family(stack):
    before = {frame.name: frame.content_id for frame in stack.frames()}
    options = {"method": "rank", "without": ["yelp_sentences"]}
    whole = compress(stack, method="rank").plan
    found = compress(stack, candidate="rank 2", apply=True, **options)
    assert found.applied and found.plan.frames == ("imdb_sentences",)
    assert found.plan.without == ("yelp_sentences",)
    assert found.plan.candidates[0].dev.others.n == whole.candidates[0].dev.others.n
    after = {frame.name: frame.content_id for frame in stack.frames()}
    assert [name for name in before if after[name] != before[name]] == ["imdb_sentences"]
    assert stack.history().done[-1].note == "compress --family sentiment --without yelp_sentences: rank 2"


def test_what_is_left_out_leaves_enough_to_do_something_with(stack):
    with pytest.raises(UsageError, match="Of the family 'sentiment' one frame is left"):
        compress(stack, method="merge", without=["yelp_sentences"])
    with pytest.raises(UsageError, match="only where a family is compressed"):
        stack.compress(target_bytes=0.5, without=["yelp_sentences"])


def test_candidates_come_smallest_first_and_the_first_that_should_pass_is_chosen(planned):
    plan = planned.plan
    for found in (plan.candidates, plan.screened):
        assert [one.saved for one in found] == sorted((one.saved for one in found), reverse=True)
    good = [one.name for one in plan.candidates if one.verdict == "should pass"]
    assert plan.chosen == (good[0] if good else None)
    assert {one.strategy for one in (*plan.candidates, *plan.screened)} == {"anchor", "merge", "rank"}


def test_every_candidate_is_screened_and_few_are_tried_in_full(planned):
    tried = [one.name for one in planned.plan.candidates]
    screened = [one.name for one in planned.plan.screened]
    assert 1 <= len(tried) <= FULL and not {*tried} & {*screened}
    assert {"linear, rank 4", "rank 2", "anchor imdb_sentences"} <= {*tried, *screened}
    for one in planned.plan.candidates:
        (part,) = one.parts
        assert set(part.heads) == {"imdb_sentences", "yelp_sentences"}
        assert one.merges == (one.strategy != "rank")


def test_one_that_is_asked_for_by_name_is_tried_in_full_however_it_was_screened(stack):
    first = compress(stack, method="merge").plan
    left = first.screened[-1]
    plan = compress(stack, method="merge", candidate=left.name).plan
    assert plan.candidate(left.name).saved == left.saved
    assert (plan.chosen is None) <= (first.chosen is None)


@pytest.mark.parametrize(
    ("method", "name"),
    [("rank", "rank 3"), ("merge", "dare, drop 0.5, then 1, rank 3"), ("merge", "linear, rank 3")],
)
def test_one_that_nobody_proposes_is_tried_if_its_name_says_what_it_is(stack, method, name):
    plan = compress(stack, method=method, candidate=name).plan
    one = plan.candidate(name)
    assert one.settings["rank"] == "3" and one.saved > 0


def test_each_candidate_is_told_before_it_is_looked_at_and_before_it_is_tried(stack):
    told = []
    plan = compress(stack, method="rank", on_candidate=told.append).plan
    tried = [one for one in told if one.endswith((", in full", ", task by task"))]
    assert len(tried) == len(set(tried))
    assert {one.name for one in plan.candidates} <= {one.rpartition(", ")[0] for one in tried}
    looked = [one for one in told if one not in tried]
    assert sorted(looked) == sorted(one.name for one in (*plan.candidates, *plan.screened))


def test_one_that_can_hardly_pass_is_given_up_before_its_longest_rows_are_read(stack, monkeypatch):
    asked = []
    features = Trial.features

    def noted(trial, rows, rendering, adapter):
        asked.append((rows, adapter and adapter.key))
        return features(trial, rows, rendering, adapter)

    monkeypatch.setattr(Trial, "features", noted)
    monkeypatch.setattr(evaluate, "HOPELESS", 2.0)  # whatever the chance is, it is below
    found = plan_of(stack, method="rank")
    short, long = sorted(
        (rows.dev.rows for rows in found.workspace.rows if rows.skill.family == "sentiment"),
        key=lambda rows: sum(len(row.joined) for row in rows),
    )
    adapters = [{key for rows, key in asked if rows == part} for part in (short, long)]
    # Their own adapter reads both; of those that were tried, only the one that is shown reads the long rows.
    assert len(found.plan.candidates) == 1 and found.plan.screened
    assert len(adapters[0]) > len(adapters[1]) == 2


def test_few_candidates_are_compared_by_default_and_all_on_request(stack):
    def names(**options):
        plan = compress(stack, **options).plan
        return {one.name for one in (*plan.candidates, *plan.screened)}

    few, every = names(), names(candidates="all")
    assert {"linear, rank 4", "ties, rank 4", "rank 2"} <= few & every and len(few) < len(every)
    assert {"anchor imdb_sentences", "tsv, rank 4"} <= every - few
    for name in ("anchor imdb_sentences", "tsv, rank 4", "rank 1"):  # one that is named is among them
        assert name in names(candidate=name)
    with pytest.raises(UsageError, match="no choice 'some' of candidates"):
        compress(stack, candidates="some")


def test_where_rows_are_too_few_it_is_said_at_which_margin_one_should_pass(stack):
    plan = compress(stack, method="rank", margin=0.001, level=0.2).plan
    assert plan.chosen is None
    if plan.wider is not None:
        assert compress(stack, method="rank", margin=plan.wider, level=0.2).plan.chosen is not None


def test_several_ways_are_named_with_commas(stack):
    plan = compress(stack, method="rank, Anchor").plan
    assert {one.strategy for one in (*plan.candidates, *plan.screened)} == {"anchor", "rank"}


def test_what_was_screened_says_on_how_many_rows(planned):
    for one in planned.plan.screened:
        assert one.screened_rows == 2 * SCREEN_DEV_ROWS and -1 <= one.screened_difference <= 1


@pytest.mark.parametrize(
    ("options", "error", "message", "hint"),
    [
        (
            {"family": "sentimant"},
            UsageError,
            "no skills of a family 'sentimant'",
            "Did you mean 'sentiment'",
        ),
        ({"method": "anchr"}, UsageError, "no compression strategy called 'anchr'", "Did you mean 'anchor'"),
        ({"candidate": "rank 33", "method": "rank"}, UsageError, "no candidate 'rank 33'", "Did you mean"),
        ({"candidate": "dare, dorp 0.5, rank 4", "method": "merge"}, UsageError, "dorp", "drop"),
        ({"margin": 0.0}, UsageError, "Invalid margin 0.0: must be between 0 and 0.5.", ""),
        ({"margin": float("nan")}, UsageError, "Invalid margin nan: must be between 0 and 0.5.", ""),
        ({"level": 0.5}, UsageError, "Invalid level 0.5: must be between 0 and 0.5.", ""),
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
    plan = compress(stack, "topic").plan
    assert {one.strategy for one in (*plan.candidates, *plan.screened)} == {"rank"}


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
        with_adapter(stack, name, adapter_of(stack, name).cut(1))
    with pytest.raises(UsageError, match="nothing to make smaller"):
        compress(stack, method="rank")
    assert {one.strategy for one in compress(stack, method="anchor").plan.candidates} == {"anchor"}


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
    one = adapter_of(stack, "imdb_sentences").cut(3)
    fewer = {n: t for n, t in one.tensors.items() if ".layer.3." in n and ("query" in n or "value" in n)}
    with_adapter(stack, "imdb_sentences", Adapter(fewer, one.spec))
    found = plan_of(stack, method="merge")
    candidates = (*found.plan.candidates, *found.plan.screened)
    assert all(one.merges for one in candidates)
    assert "linear, rank 4" in {one.name for one in candidates}
    for row in found.workspace.rows_of.values():
        if row.skill.family != "sentiment":
            continue
        own = answers_today(found.workspace, row, "dev").own
        assert own.tolist() == right(stack, row.skill.name, "dev", routed=False)


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
    both = [stack.frame(name).adapter_bytes for name in ("imdb_sentences", "yelp_sentences")]
    assert plan.family_bytes == sum(both)
    assert not any(one.merges for one in plan.candidates)


def test_what_makes_nothing_smaller_is_no_candidate(planned, stack):
    found = (*planned.plan.candidates, *planned.plan.screened)
    assert all(one.saved > 0 for one in found)
    # Of two frames of which one is far smaller already, the larger one's shape saves little or nothing.
    with_adapter(stack, "imdb_sentences", adapter_of(stack, "imdb_sentences").cut(1))
    plan = compress(stack).plan
    assert all(one.saved > 0 for one in (*plan.candidates, *plan.screened))

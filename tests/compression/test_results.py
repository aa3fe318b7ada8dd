"""A compression as JSON: all that was found, with shares of six digits."""

import json


def test_it_holds_what_was_planned_guarded_and_done(merged):
    document = json.loads(json.dumps(merged.found.to_json(), allow_nan=False))
    plan, guarded = merged.found.plan, merged.found.guarded
    assert (document["schema"], document["applied"], document["tip"]) == (1, True, merged.found.tip)
    assert [one["name"] for one in document["plan"]["candidates"]] == [one.name for one in plan.candidates]
    assert document["plan"]["frames"] == ["imdb_sentences", "yelp_sentences"]
    one = next(c for c in document["plan"]["candidates"] if c["name"] == "linear, rank 2")
    assert one["bytes"] == {"before": plan.bytes, "after": plan.bytes_with(plan.candidate("linear, rank 2"))}
    assert document["guarded"]["candidate"] == "linear, rank 2" and document["guarded"]["passes"]
    assert document["guarded"]["routed"]["after"] == round(guarded.guard.after.routed, 6)
    for written, change in zip(document["guarded"]["skills"], guarded.guard.skills, strict=True):
        assert written["before"]["correct"] == change.before.correct
        assert written["n"] == change.test.n and written["p"] == change.test.p
        assert written["difference"] == round(change.difference, 6)

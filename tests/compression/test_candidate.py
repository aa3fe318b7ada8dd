"""Which frames a family has, and which of them there is something to gain from."""

from dataclasses import replace

import pytest

from skillstack.compression.candidate import families_of, family_of
from skillstack.errors import UsageError


def oldest_first(stack):
    return tuple(reversed(stack.frames()))


def test_a_family_has_its_frames_oldest_first_with_all_their_skills(stack):
    family = family_of(oldest_first(stack), "sentiment")
    assert [frame.name for frame in family.frames] == ["imdb_sentences", "yelp_sentences"]
    assert [skill.name for _, skill in family.skills] == ["imdb_sentences", "yelp_sentences"]
    assert family.idle == ()


def test_an_unknown_family_is_refused_with_the_nearest_one(stack):
    with pytest.raises(UsageError, match="no skills of a family 'sentimant'") as caught:
        family_of(oldest_first(stack), "sentimant")
    assert "Did you mean 'sentiment'?" in caught.value.hint


def test_a_frame_can_be_left_out_by_its_name_or_that_of_a_skill(stack):
    family = family_of(oldest_first(stack), "sentiment", ["yelp_sentences"])
    assert [frame.name for frame in family.frames] == ["imdb_sentences"]
    assert family.without == ("yelp_sentences",)
    older, *others = oldest_first(stack)
    renamed = replace(older, content=replace(older.content, name="films"))
    for name in ("films", "imdb_sentences"):
        family = family_of([renamed, *others], "sentiment", [name])
        assert family.without == ("films",)


def test_what_is_left_out_has_to_be_there_and_something_has_to_be_left(stack):
    with pytest.raises(UsageError, match="has no frame 'yelp_sentence'") as caught:
        family_of(oldest_first(stack), "sentiment", ["yelp_sentence"])
    assert "Did you mean 'yelp_sentences'" in caught.value.hint
    with pytest.raises(UsageError, match="has no frame 'home'"):
        family_of(oldest_first(stack), "sentiment", ["home"])
    with pytest.raises(UsageError, match="nothing of the family 'sentiment' is left"):
        family_of(oldest_first(stack), "sentiment", ["imdb_sentences", "yelp_sentences"])


def test_frames_without_an_adapter_are_named_and_stay(stack):
    oldest, *others = oldest_first(stack)
    bare = replace(oldest, content=replace(oldest.content, adapter=None))
    family = family_of([bare, *others], "sentiment")
    assert [frame.name for frame in family.frames] == ["yelp_sentences"]
    assert family.idle == ("imdb_sentences",)


def test_a_family_without_any_adapter_has_nothing_to_compress(stack):
    bare = [replace(one, content=replace(one.content, adapter=None)) for one in oldest_first(stack)]
    with pytest.raises(UsageError, match="have no adapters"):
        family_of(bare, "sentiment")


def test_skills_of_other_families_on_its_frames_are_affected_too(stack):
    oldest, topics, *others = oldest_first(stack)
    mixed = replace(oldest, content=replace(oldest.content, skills=oldest.skills + topics.skills))
    family = family_of([mixed, *others], "sentiment")
    assert "wiki_topics" in {skill.name for _, skill in family.skills}


def test_every_frame_with_an_adapter_is_in_one_family(stack):
    oldest, topics, *others = oldest_first(stack)
    mixed = replace(oldest, content=replace(oldest.content, skills=oldest.skills + topics.skills))
    bare = replace(topics, content=replace(topics.content, adapter=None))
    found = families_of([mixed, bare, *others])
    assert [[frame.name for frame in family.frames] for family in found] == [
        ["imdb_sentences", "yelp_sentences"],
        ["home"],
    ]

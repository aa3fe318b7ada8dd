"""The router's walk: a merge leaves it as it was, and what comes after keeps its order."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from skillstack.store.canonical import sha256
from skillstack.store.records import FrameRecord, Rendering, Skill
from skillstack.store.walk import PLACES, walk, with_places, without

from .builders import BASE


def frame(*skills: str) -> FrameRecord:
    """A frame with skills of these names."""
    made = [
        Skill(name, name, "sentiment", ("bad", "good"), False, sha256(name.encode()), None, Rendering())
        for name in skills
    ]
    return FrameRecord(skills[0], None, tuple(made), BASE, "fp32", "mean", {"epochs": 2})


def stack(count: int) -> list[FrameRecord]:
    """Frames of one skill each, but for every third, which was trained with two."""
    return [frame(f"s{n}", f"t{n}") if n % 3 == 2 else frame(f"s{n}") for n in range(count)]


def order(contents: list[FrameRecord]) -> list[list[str]]:
    """Names of the skills of each place, oldest first."""
    stops = walk(contents)
    return [
        sorted(stop.skill.name for stop in stops if stop.place == place)
        for place in sorted({stop.place for stop in stops})
    ]


def merged(contents: list[FrameRecord], chosen: list[int]) -> list[FrameRecord]:
    """The stack once these frames are one, which stands where the newest of them stood."""
    places = {stop.skill.name: stop.place for stop in walk(contents)}
    skills = tuple(skill for place in chosen for skill in contents[place].skills)
    one = with_places(replace(contents[chosen[-1]], skills=skills), places)
    return [
        one if place == chosen[-1] else other
        for place, other in enumerate(contents)
        if place not in chosen[:-1]
    ]


def drawn(data: st.DataObject, contents: list[FrameRecord]) -> list[FrameRecord]:
    """A stack after a few merges."""
    for _ in range(data.draw(st.integers(0, 3))):
        numbers = st.integers(0, len(contents) - 1)
        if len(contents) > 1:
            chosen = data.draw(st.sets(numbers, min_size=2, max_size=len(contents)))
            contents = merged(contents, sorted(chosen))
    return contents


def test_every_frame_is_a_place_of_its_own_and_its_skills_share_it():
    assert order([frame("a", "b"), frame("c")]) == [["a", "b"], ["c"]]
    assert [stop.place for stop in walk([frame("a", "b"), frame("c")])] == [0, 0, 1]
    assert walk([]) == []


@given(st.integers(1, 7), st.data())
def test_however_often_frames_are_merged_the_walk_is_that_of_the_frames_as_they_were_trained(count, data):
    contents = stack(count)
    assert [(s.place, s.skill.name) for s in walk(drawn(data, contents))] == [
        (s.place, s.skill.name) for s in walk(contents)
    ]


@given(st.integers(2, 7), st.data())
def test_without_one_frame_the_others_keep_their_order_and_a_new_one_is_the_newest(count, data):
    contents = drawn(data, stack(count))
    gone = data.draw(st.sampled_from(contents))
    names = {skill.name for skill in gone.skills}
    left = [[name for name in place if name not in names] for place in order(contents)]
    found = without(contents, gone)
    assert order(found) == [place for place in left if place]
    places = [stop.place for stop in walk(found)]
    assert sorted(set(places)) == list(range(len(set(places))))
    assert order([*found, frame("new")])[-1] == ["new"]


def test_frames_that_were_never_merged_stay_as_they_are_without_another():
    contents = stack(3)
    assert without(contents, contents[0]) == contents[1:]


def test_a_merged_frame_that_keeps_no_places_is_one_place_as_before():
    one = frame("a", "b")
    for places in (None, {"a": 0}, {"a": 0, "b": -1}, {"a": 0, "b": True}, ["a", "b"], {"a": 0, "b": "1"}):
        recipe = one.recipe if places is None else {**one.recipe, PLACES: places}
        assert order([frame("c"), replace(one, recipe=recipe), frame("d")]) == [["c"], ["a", "b"], ["d"]]

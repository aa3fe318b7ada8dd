"""Frames that are merged as they come: the guard decides, a stopped training goes on, undo takes all back."""

import shutil

import pytest

from skillstack.cli.command import Invocation
from skillstack.cli.learn import learned_words
from skillstack.compression import choose
from skillstack.errors import MissingError, UsageError
from skillstack.stack import Stack
from skillstack.training.progress import Deadline, FamilySettled, FrameKept

from . import adding
from .adding import merging
from .compression.world import RECIPE, make_stack
from .frames.faults import Killed
from .tiny import last_candidate_wins, tiny_bert

#: Three sentiment tasks with another one between them.
TASKS = ("imdb_sentences", "wiki_topics", "yelp_sentences", "amazon_sentences")


def train(folder, tasks=TASKS, *, margin=0.49, listen=None, **options):
    """A stack on a tiny base whose frames may be merged; a random model can pass a wide margin."""
    return adding.train(
        tasks=tasks,
        store=folder / "frames",
        stack="main",
        model=str(folder / "tiny-bert"),
        device="cpu",
        recipe=RECIPE,
        **merging(margin),
        on_event=listen,
        **options,
    )


def table(folder, name, days=40):
    """Rows of a task of one's own, a yes and a no for each day."""
    path = folder / f"{name}-{days}.csv"
    words = (("yes", "fine"), ("no", "foul"))
    lines = [f"The {name} was {word} on day {n}.,{label}" for n in range(days) for label, word in words]
    path.write_text("\n".join(["text,label", *lines]))
    return path


def learn(folder, path, name, family, *, root=None, listen=None, **options):
    """A table learned on the tiny base, merged with its family at a margin that a random model can pass."""
    rows = {key: options.pop(key) for key in ("data_dir", "tables") if key in options}
    return adding.learn(
        name,
        path,
        family=family,
        store=root or folder / "frames",
        stack="main",
        model=str(folder / "tiny-bert"),
        device="cpu",
        recipe=RECIPE,
        **merging(0.49, **rows),
        on_event=listen,
        **options,
    )


def names(folder):
    return [frame.name for frame in reversed(Stack.open(folder / "frames", "main").frames())]


def ids(folder):
    return [frame.id for frame in Stack.open(folder / "frames", "main").frames()]


@pytest.fixture(scope="module")
def anything_goes():
    """Random models seldom gain, and are merged all the same."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        last_candidate_wins(monkeypatch)
        yield


@pytest.fixture(scope="module")
def grown(tmp_path_factory, anything_goes):
    """A stack that grew and merged, with what it told."""
    folder, told = tmp_path_factory.mktemp("grown"), []
    tiny_bert(folder / "tiny-bert")
    trained = train(folder, listen=told.append)
    return folder, trained, [event for event in told if isinstance(event, FamilySettled)]


def copy(grown, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(grown[0], folder)
    return folder


def test_a_family_keeps_one_adapter_however_many_tasks_come(grown):
    folder, trained, told = grown
    assert trained.complete and trained.trained == TASKS
    assert names(folder) == ["wiki_topics", "sentiment"]
    skills = Stack.open(folder / "frames", "main").frame("sentiment").skills
    assert {skill.name for skill in skills} == {"imdb_sentences", "yelp_sentences", "amazon_sentences"}
    assert [(event.family, event.merged) for event in told] == [("sentiment", "sentiment")] * 2
    assert told[0].frames == ("imdb_sentences", "yelp_sentences")
    assert told[1].frames == ("sentiment", "amazon_sentences")


def test_each_skill_remembers_how_it_was_taught(grown):
    content = Stack.open(grown[0] / "frames", "main").frame("sentiment").content
    taught = content.recipe["taught"]
    assert set(taught) == {"imdb_sentences", "yelp_sentences", "amazon_sentences"}
    assert all(one["samples_per_class"] == RECIPE["samples_per_class"] for one in taught.values())


def test_started_again_it_finds_every_task_and_trains_none(grown, tmp_path):
    folder, told = copy(grown, tmp_path), []
    before = ids(folder)
    trained = train(folder, listen=told.append)
    assert trained.complete and trained.kept == TASKS and not trained.trained
    assert [event.name for event in told if isinstance(event, FrameKept)] == list(TASKS)
    assert ids(folder) == before


def test_stopped_between_two_tasks_it_ends_with_the_same_stack(grown, tmp_path, anything_goes):
    folder = tmp_path / "stopped"
    folder.mkdir()
    tiny_bert(folder / "tiny-bert")

    def kill(event):
        if isinstance(event, FamilySettled):
            raise Killed

    with pytest.raises(Killed):
        train(folder, listen=kill)
    assert names(folder) == ["wiki_topics", "sentiment"]
    train(folder)
    assert ids(folder) == ids(grown[0])


def killed_at_a_merge(folder, monkeypatch, tasks=TASKS):
    """A training whose process ends when it begins to merge."""

    def killed(*_, **__):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("skillstack.compression.growing.make_plan", killed)
        with pytest.raises(Killed):
            train(folder, tasks)


def test_killed_between_a_push_and_its_merge_it_merges_first(grown, tmp_path, anything_goes, monkeypatch):
    folder = tmp_path / "stopped"
    folder.mkdir()
    tiny_bert(folder / "tiny-bert")

    killed_at_a_merge(folder, monkeypatch)
    assert names(folder) == ["imdb_sentences", "wiki_topics", "yelp_sentences"]
    train(folder)
    assert ids(folder) == ids(grown[0])


def test_a_plain_training_does_not_take_a_merged_stack_for_its_own(grown, tmp_path):
    folder = copy(grown, tmp_path)
    before = ids(folder)
    with pytest.raises(UsageError, match="holds other frames already"):
        adding.train(
            tasks=TASKS, store=folder / "frames", stack="main", model=str(folder / "tiny-bert"), recipe=RECIPE
        )
    with pytest.raises(UsageError, match="has epochs 2, not 3"):
        adding.train(
            tasks=TASKS,
            store=folder / "frames",
            stack="main",
            model=str(folder / "tiny-bert"),
            recipe={**RECIPE, "epochs": 3},
            **merging(),
        )
    with pytest.raises(UsageError, match="has the skill 'amazon_sentences', which is not asked for"):
        train(folder, TASKS[:3])
    assert ids(folder) == before


def test_one_undo_takes_the_whole_training_back(grown, tmp_path):
    folder = copy(grown, tmp_path)
    stack = Stack.open(folder / "frames", "main")
    stack.undo()
    assert stack.frames() == ()
    stack.redo()
    assert ids(folder) == ids(grown[0])


def test_what_the_guard_refuses_stays_as_it_is_and_is_not_tried_again(tmp_path, monkeypatch):
    last_candidate_wins(monkeypatch)
    tiny_bert(tmp_path / "tiny-bert")
    told = []
    train(tmp_path, TASKS[:3], margin=0.0001, listen=told.append)
    assert names(tmp_path) == list(TASKS[:3])
    (event,) = [event for event in told if isinstance(event, FamilySettled)]
    assert event.merged is None and event.why

    def tried(*_, **__):
        raise AssertionError("tried again")

    monkeypatch.setattr("skillstack.compression.growing.make_plan", tried)
    with pytest.raises(AssertionError, match="tried again"):  # of the new frame, not of the old ones
        train(tmp_path, TASKS, margin=0.0001)
    assert names(tmp_path) == list(TASKS)


def test_a_table_that_is_learned_joins_its_family_and_is_known_there(tmp_path, anything_goes, monkeypatch):
    root = make_stack(tmp_path, ("imdb_sentences", "wiki_topics"))
    stack = Stack.open(root, "main")
    lines = [
        f"The {thing} was {word} on day {n}.,{label}"
        for n in range(40)
        for thing in ("film", "soup")
        for label, word in (("positive", "fine"), ("negative", "foul"))
    ]
    path, told = tmp_path / "films.csv", []
    path.write_text("\n".join(["text,label", *lines]))
    learned = learn(tmp_path, path, "films", "sentiment", root=root, listen=told.append)
    (event,) = [event for event in told if isinstance(event, FamilySettled)]
    assert event.frames == ("imdb_sentences", "films") and event.merged == "sentiment"
    assert learned.change == "learned" and learned.frame.name == "sentiment"
    words = " ".join(learned_words(learned, Invocation(None, None, False)))
    assert "learned films (sentiment)" in words and "--frame films" in words
    assert learned.test.frame.n == 160 - learned.table.train
    before = stack.store.tip("main")
    again = learn(tmp_path, path, "films", "sentiment", root=root)
    assert again.change == "nothing" and stack.store.tip("main") == before


def test_rows_that_nobody_knows_leave_the_family_as_it_is_and_say_so(tmp_path, anything_goes):
    root, told = make_stack(tmp_path, ("imdb_sentences", "wiki_topics")), []
    films, meals, plays = (table(tmp_path, name) for name in ("films", "meals", "plays"))
    learn(tmp_path, films, "films", "own", root=root)
    learn(tmp_path, meals, "meals", "own", root=root, listen=told.append)
    (event,) = [event for event in told if isinstance(event, FamilySettled)]
    assert event.merged is None and "No rows of 'films' are known" in event.why
    known = [frame.name for frame in Stack.open(root, "main").frames()]
    assert known == ["meals", "films", "wiki_topics", "imdb_sentences"]
    told.clear()
    tables = {"films": films, "meals": meals}
    learn(tmp_path, plays, "plays", "own", root=root, listen=told.append, tables=tables)
    (event,) = [event for event in told if isinstance(event, FamilySettled)]
    assert event.frames == ("films", "meals", "plays") and event.merged == "own"


def test_where_passing_is_unsure_the_guard_decides(tmp_path, anything_goes, monkeypatch):
    monkeypatch.setattr(choose, "LIKELY", 2.0)
    tiny_bert(tmp_path / "tiny-bert")
    told = []
    train(tmp_path, TASKS[:3], listen=told.append)
    (event,) = [event for event in told if isinstance(event, FamilySettled)]
    assert event.merged == "sentiment" and "no task loses" in event.why
    assert names(tmp_path) == ["wiki_topics", "sentiment"]


def test_a_task_that_cannot_pass_does_not_keep_the_others_from_becoming_one(tmp_path, anything_goes):
    tiny_bert(tmp_path / "tiny-bert")
    told = []
    for name in ("films", "meals"):
        learn(tmp_path, table(tmp_path, name), name, "own")
    # Of films there are too few rows to guard it.
    tables = {"films": table(tmp_path, "films", 6), "meals": table(tmp_path, "meals")}
    learn(tmp_path, table(tmp_path, "plays"), "plays", "own", tables=tables, listen=told.append)
    whole, rest = [event for event in told if isinstance(event, FamilySettled)]
    assert whole.frames == ("films", "meals", "plays") and whole.merged is None
    assert "films" in whole.why
    assert rest.frames == ("meals", "plays") and rest.merged == "own"
    assert names(tmp_path) == ["films", "own"]


def test_killed_before_the_merge_of_the_last_frame_the_same_command_makes_up_for_it(
    grown, tmp_path, anything_goes, monkeypatch
):
    folder = tmp_path / "stopped"
    folder.mkdir()
    tiny_bert(folder / "tiny-bert")

    killed_at_a_merge(folder, monkeypatch, TASKS[:3])
    assert names(folder) == ["imdb_sentences", "wiki_topics", "yelp_sentences"]
    trained = train(folder, TASKS[:3])
    assert trained.complete and not trained.trained
    assert names(folder) == ["wiki_topics", "sentiment"]


def test_no_time_for_a_merge_leaves_it_to_the_next_run(tmp_path, anything_goes, monkeypatch):
    tiny_bert(tmp_path / "tiny-bert")
    with monkeypatch.context() as patched:
        patched.setattr(Deadline, "allows", lambda self, *parts, **counted: "settle" not in parts)
        train(tmp_path, TASKS[:3], time_limit=3600)
    assert names(tmp_path) == list(TASKS[:3])
    train(tmp_path, TASKS[:3])
    assert names(tmp_path) == ["wiki_topics", "sentiment"]


def test_a_stack_keeps_its_precision(grown, tmp_path):
    folder = copy(grown, tmp_path)
    before = ids(folder)
    with pytest.raises(UsageError, match="has precision fp32, not bf16"):
        train(folder, (*TASKS, "home"), precision="bf16")
    assert ids(folder) == before


def test_skills_that_are_learned_again_are_there_wherever_they_are(tmp_path, anything_goes):
    tiny_bert(tmp_path / "tiny-bert")

    def learned(name, family, known=()):
        tables = {other: table(tmp_path, other, 30) for other in known}
        return learn(tmp_path, table(tmp_path, name, 30), name, family, tables=tables)

    learned("tickets", "support")
    learned("home", "house")
    assert learned("tickets", "support").change == "nothing"
    # The merged frame may have the name of the skill that came last.
    learned("support", "other")
    merged = learned("mails", "support", known=("tickets", "home"))
    assert {skill.name for skill in merged.frame.skills} == {"tickets", "mails"}
    assert merged.frame.name == "mails"
    for name in ("tickets", "mails"):
        assert learned(name, "support").change == "nothing"


def test_rows_that_the_network_does_not_give_leave_the_family_as_it_is(tmp_path, monkeypatch):
    last_candidate_wins(monkeypatch)
    tiny_bert(tmp_path / "tiny-bert")

    def unreachable(*_, **__):
        raise MissingError("The hub cannot be reached.", "Try again later.")

    monkeypatch.setattr("skillstack.compression.growing.make_plan", unreachable)
    told = []
    trained = train(tmp_path, TASKS[:3], listen=told.append)
    assert trained.complete and names(tmp_path) == list(TASKS[:3])
    (event,) = [event for event in told if isinstance(event, FamilySettled)]
    assert event.merged is None and "cannot be reached" in event.why

"""train --dry-run."""

from .conftest import TINY


def test_a_dry_run_says_what_would_be_trained_and_writes_nothing(command, tmp_path):
    ran = command("train", "--preset", "starter8", "--dry-run")
    assert ran.status == 0
    assert "8 frames to train" in ran.out
    assert "CC BY" in ran.out
    assert "Nothing was written." in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    assert not list(tmp_path.iterdir())


def test_frames_that_are_there_are_kept(asked):
    before = asked("log", "--json").out
    document = asked("train", *TINY, "--dry-run", "--json").json
    assert [frame["state"] for frame in document["frames"]] == ["keep", "keep"]
    assert (document["bytes"], document["seconds"], document["store_exists"]) == (0, None, True)
    assert "none: all is there" in asked("train", *TINY, "--dry-run").out
    longer = asked("train", *TINY, "--task", "travel", "--dry-run", "--json").json
    assert [frame["state"] for frame in longer["frames"]] == ["keep", "keep", "train"]
    assert asked("log", "--json").out == before


def test_another_recipe_under_the_same_name_is_refused_as_train_does(asked):
    assert asked("train", *TINY, "--seed", "7", "--dry-run").status == 2


def test_the_rows_are_those_of_the_training(asked):
    sizes = {
        frame["name"]: frame["rows"] for frame in asked("train", *TINY, "--dry-run", "--json").json["frames"]
    }
    assert sizes["imdb_sentences"]["train"] == 8
    assert sizes["imdb_sentences"]["router"] == 32

"""Reasons can be published: of each path they tell the last part alone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.wording import published

PART = st.text("abcXYZ019_-", min_size=3, max_size=9)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("/home/jo/rows/imdb has no task.json.", "imdb has no task.json."),
        ("/home/jo/rows/imdb/test.jsonl.gz, line 3: no JSON.", "test.jsonl.gz, line 3: no JSON."),
        ("Nothing lies in /home/jo/rows.", "Nothing lies in rows."),
        ("It is '/home/jo/a.csv' (or ~jo/b.csv).", "It is 'a.csv' (or b.csv)."),
        ("C:\\Users\\jo\\rows\\imdb has no task.json.", "imdb has no task.json."),
        ("\\\\server\\share\\imdb has no task.json.", "imdb has no task.json."),
        ("The hub does not give owner/model@main.", "The hub does not give owner/model@main."),
        ("See https://example.org/a/b and 3/4.", "See https://example.org/a/b and 3/4."),
        ("Yes / no.", "Yes / no."),
        ("No rows of 'tickets' are known.", "No rows of 'tickets' are known."),
    ],
)
def test_of_a_path_its_last_part_is_told(message, told):
    assert published(message) == told


def test_a_place_that_is_known_is_told_by_its_name_spaces_and_all(tmp_path):
    place = tmp_path / "my rows"
    assert published(f"{place}/imdb has no task.json.", place) == "my rows/imdb has no task.json."
    assert published(f"The data folder {place} has none.", place) == "The data folder my rows has none."


def test_a_place_relative_to_here_is_told_by_its_name(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    place = Path("../jo's secret/rows")
    assert published(f"{place}/imdb has no task.json.", place) == "rows/imdb has no task.json."
    assert published("The data folder . has no task 'x'.", Path()) == "The data folder . has no task 'x'."


@given(st.lists(PART, min_size=2, max_size=5), st.sampled_from(["{} is gone.", "No {}, none.", "'{}': bad"]))
def test_no_folder_of_a_path_is_left(parts, message):
    told = published(message.format("/" + "/".join(f"{part}.d" for part in parts)))
    assert told == message.format(f"{parts[-1]}.d")

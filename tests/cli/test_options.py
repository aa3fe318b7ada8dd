"""Options that commands share: what their values mean, and what is refused."""

from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from skillstack.cli.options import (
    Wanted,
    chosen_recipe,
    duration,
    gathering,
    number_or,
    tables,
    wanting,
)
from skillstack.cli.train import launched_place, preset_json, preset_words
from skillstack.errors import UsageError

CONTEXT, OPTION = click.Context(click.Command("eval")), click.Option(["--test"])


@pytest.mark.parametrize(
    ("word", "value", "number"), [("all", "64", 64), ("all", "ALL", 0), ("auto", "auto", 0)]
)
def test_rows_are_a_number_or_a_word(word, value, number):
    assert number_or(word)(value) == number


@pytest.mark.parametrize("value", ["", "0", "-1", "1.5", "many", "²", "٣", "9" * 5000])
def test_what_is_no_number_of_rows_is_refused(value):
    with pytest.raises(click.BadParameter, match=r"Invalid number of rows .*1 or more, or all"):
        number_or("all")(value)


def test_tables_stand_under_the_skill_that_they_are_of():
    found = tables(CONTEXT, OPTION, ("tickets=a.csv", "mail=b=c.tsv"))
    assert found == {"tickets": Path("a.csv"), "mail": Path("b=c.tsv")}


@pytest.mark.parametrize("value", ["tickets", "tickets=", "=a.csv", "="])
def test_a_table_without_a_name_or_a_file_is_refused(value):
    with pytest.raises(UsageError, match="takes NAME=FILE"):
        tables(CONTEXT, OPTION, (value,))


def test_two_tables_for_one_skill_are_refused():
    with pytest.raises(UsageError, match="twice for 'tickets'"):
        tables(CONTEXT, OPTION, ("tickets=a.csv", "tickets=b.csv"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("8h", 28800.0),
        ("30m", 1800.0),
        ("1h30m", 5400.0),
        ("90s", 90.0),
        ("90", 90.0),
        ("1h30m5s", 5405.0),
        ("1.5h", 5400.0),
        (" 8H ", 28800.0),
        ("0s", 0.0),
    ],
)
def test_a_time_limit_in_hours_minutes_and_seconds(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "8x", "-5m", "30m1h", "nan", "inf", "1e3s", "8 hours"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(click.BadParameter, match="1h30m"):
        duration(text)


def test_only_the_first_of_several_processes_speaks(monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert launched_place() == 0
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert launched_place() == 1


@dataclass(frozen=True)
class Size:
    width: int
    height: int


sized = gathering(
    Size,
    "size",
    click.option("--width", type=int, default=1),
    click.option("--height", type=int, default=2),
)


@click.command()
@click.option("--before")
@sized
@click.option("--after")
def draw(size: Size, before: str | None, after: str | None) -> int:
    """Draw."""
    click.echo(f"{size.width} x {size.height}, {before}, {after}")
    return 0


def test_shared_options_arrive_as_one_value_beside_the_commands_own():
    said = CliRunner().invoke(draw, ["--width", "5", "--before", "a"]).output
    assert said == "5 x 2, a, None\n"


def test_help_lists_the_options_where_they_stand():
    said = CliRunner().invoke(draw, ["--help"]).output
    places = [said.index(name) for name in ("--before", "--width", "--height", "--after")]
    assert places == sorted(places)


@click.command()
@wanting
def show(wanted: Wanted) -> int:
    """Show."""
    click.echo(repr(wanted))
    return 0


def test_nothing_asked_for_leaves_all_to_the_rules():
    assert CliRunner().invoke(show, []).output == f"{Wanted(None, (), None, None, None, 'auto')!r}\n"


@pytest.mark.parametrize(("said", "meant"), [("auto", None), ("bf16", "bf16")])
def test_an_automatic_precision_is_none(said, meant):
    assert f"precision={meant!r}" in CliRunner().invoke(show, ["--precision", said]).output


def test_a_forecast_is_asked_the_same_as_a_training(tmp_path):
    wanted = Wanted(None, ("banking", "travel"), "data", "minilm", "fp32", "cpu")
    request = wanted.request(str(tmp_path), {"epochs": 2})
    assert (request.names, request.data_dir) == (("banking", "travel"), Path("data"))
    assert (request.model, request.precision, request.device) == ("minilm", "fp32", "cpu")
    assert (request.store, request.overrides) == (tmp_path, {"epochs": 2})


def test_settings_take_the_kind_of_their_field():
    settings = ["batch_size=8", "dropout=0.1", "learning-rate=2e-4", "refit=false", "targets=value, query"]
    assert chosen_recipe({"epochs": 2}, settings) == {
        "epochs": 2,
        "batch_size": 8,
        "dropout": 0.1,
        "learning_rate": 2e-4,
        "refit": False,
        "targets": ("value", "query"),
    }


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["batchsize=8"], "batch_size"),
        (["batch_size"], "KEY=VALUE"),
        (["epochs=2"], "twice"),
        (["batch_size=many"], "batch_size"),
        (["batch_size=0"], "between"),
        (["dropout=NaN"], "dropout"),
        (["dropout=[[]]"], "dropout"),
        (["init=grandparent"], "init"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(settings, said):
    with pytest.raises(UsageError, match=said):
        chosen_recipe({"epochs": 2}, settings)


def test_presets_are_listed_with_what_they_need():
    assert {"starter8", "hard8"} <= {preset["name"] for preset in preset_json()}
    text = "\n".join(preset_words())
    assert "imdb_sentences, yelp_sentences" in text
    assert text.count("from the hub, or from --data-dir") == len(preset_json()) - 1

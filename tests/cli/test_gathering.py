"""Options that commands share arrive as one value, beside a command's own."""

from dataclasses import dataclass

import click
from click.testing import CliRunner

from skillstack.cli.gathering import gathering


@dataclass(frozen=True)
class Size:
    width: int
    height: int


sized = gathering(Size, "size", (click.option("--width", type=int, default=1),))


@click.command()
@click.option("--before")
@sized
@click.option("--height", type=int, default=2)
@click.option("--after")
def draw(size: Size, before: str | None, after: str | None) -> int:
    """Draw."""
    click.echo(f"{size.width} x {size.height}, {before}, {after}")
    return 0


def test_the_value_has_its_own_options_and_those_that_the_command_declares():
    said = CliRunner().invoke(draw, ["--width", "5", "--before", "a"]).output
    assert said == "5 x 2, a, None\n"


def test_help_lists_the_options_where_they_stand():
    said = CliRunner().invoke(draw, ["--help"]).output
    places = [said.index(name) for name in ("--before", "--width", "--height", "--after")]
    assert places == sorted(places)

"""What doctor and train ask for is one thing, and reads the same."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from skillstack.cli.bases import Wanted, wanting


@click.command()
@wanting(preset="Of a preset.", task="A task.")
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

"""What a training would do, beside what it does."""

from pathlib import Path

import pytest

from skillstack.errors import SkillStackError, UsageError
from skillstack.forecast.dry_run import dry_run
from skillstack.forecast.request import Request


def test_rows_are_counted_as_the_training_takes_them(tmp_path):
    planned = dry_run(Request(tasks=("imdb_sentences", "banking"), store=tmp_path / "frames"))
    first, second = planned.frames
    assert (first.train, first.state, first.exact) == (96, "train", True)
    assert second.train == 48 * second.labels
    assert (planned.stack, planned.precision, planned.exists) == ("main", "fp32", False)
    assert planned.download == 0
    assert planned.bytes > first.adapter_bytes
    assert not list(tmp_path.iterdir())


def test_a_task_of_the_hub_that_is_not_here_is_not_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("SKILLSTACK_CACHE", str(tmp_path / "cache"))
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    planned = dry_run(Request(tasks=("banking", "agnews"), store=tmp_path / "frames"))
    assert [frame.exact for frame in planned.frames] == [True, False]
    assert planned.frames[1].train == 48 * 4
    assert planned.download == planned.frames[1].download > 0
    every = Request(tasks=("agnews",), store=tmp_path / "frames", overrides={"samples_per_class": 0})
    assert dry_run(every).frames[0].train > 48 * 4
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("fields", "stack", "kind"),
    [
        ({"preset": "starter8"}, "reference", UsageError),
        ({"preset": "starter8", "model": "someone/unheard-of"}, None, SkillStackError),
        ({"tasks": ("banking", "banking")}, None, UsageError),
    ],
)
def test_what_train_refuses_is_refused(fields, stack, kind, tmp_path):
    with pytest.raises(kind):
        dry_run(Request(**fields, store=Path(tmp_path)), stack=stack)

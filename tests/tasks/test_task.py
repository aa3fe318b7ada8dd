import pytest

from skillstack.data.task import Task
from skillstack.errors import InputError


def make(**changes: object) -> Task:
    fields = {"name": "dinner", "family": "sentiment", "labels": ("bad", "good")}
    return Task(**(fields | changes))  # type: ignore[arg-type]


def test_a_task_is_frozen() -> None:
    with pytest.raises(AttributeError):
        make().name = "lunch"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "../dinner"}, "no valid name"),
        ({"name": "a/b"}, "no valid name"),
        ({"name": "con"}, "no valid name"),
        ({"family": "Sentiment!"}, "family"),
        ({"labels": ()}, "0 label names"),
        ({"labels": ("one",)}, "1 label names"),
        ({"labels": ("bad", "bad")}, "stands there twice"),
        ({"labels": ("bad", " ")}, "Label name 1"),
        ({"labels": ("bad", "go\x00od")}, "Label name 1"),
        ({"labels": ("bad", "\ud800")}, "Label name 1"),
        ({"labels": ("bad", "\u202egood")}, "Label name 1"),
        ({"labels": ("bad", "x" * 201)}, "Label name 1"),
        ({"kind": "generation"}, "generation"),
        ({"truncation": "tail"}, "tail"),
        ({"prompt": "No place for a text"}, "does not fit"),
        ({"prompt": "{text} {text_pair} is"}, "does not fit"),
        ({"prompt": "{text} {0} is"}, "does not fit"),
        ({"prompt": "{text"}, "does not fit"),
        ({"prompt": "{text} is", "pair": True}, "does not fit"),
        ({"prompt": "{text} is "}, "ends with a blank"),
        ({"label_words": (" bad",)}, "1 label words for 2 labels"),
        ({"label_words": (" bad", " bad")}, "share a label word"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        make(**changes)
    assert caught.value.hint

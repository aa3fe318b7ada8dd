import pytest

from skillstack.data.presets import known_task
from skillstack.data.task import Task, rendering
from skillstack.errors import UsageError
from skillstack.store.records import Rendering


def test_an_encoder_reads_the_bare_text() -> None:
    assert rendering(known_task("sst2"), "encoder") == Rendering(truncation="head_tail", max_length=128)


def test_a_decoder_reads_a_prompt_that_ends_where_the_answer_would_stand() -> None:
    shown = rendering(known_task("sst2"), "decoder")
    assert shown.prompt.endswith("Review: {text}\nThe sentiment of this review is")
    assert shown.label_words == (" negative", " positive")
    assert shown.max_length == 160


def test_a_task_without_a_prompt_gets_its_familys() -> None:
    task = Task(name="dinner", family="sentiment", labels=("bad", "good"))
    assert rendering(task, "decoder").prompt == "{text}\nThe sentiment of this text is"
    other = Task(name="weather", family="weather", labels=("sun", "rain"), pair=True)
    assert rendering(other, "decoder").prompt == (
        "First text: {text}\nSecond text: {text_pair}\nQuestion: Which category? Answer:"
    )


def test_the_recipe_may_say_how_long() -> None:
    assert rendering(known_task("sst2"), "encoder", 64).max_length == 64


@pytest.mark.parametrize("length", [0, -5, 7, 10**9])
def test_impossible_lengths_are_refused(length: int) -> None:
    with pytest.raises(UsageError, match=f"{length} tokens"):
        rendering(known_task("sst2"), "encoder", length)


def test_an_unknown_kind_of_base_is_refused() -> None:
    with pytest.raises(UsageError, match="seq2seq"):
        rendering(known_task("sst2"), "seq2seq")  # type: ignore[arg-type]

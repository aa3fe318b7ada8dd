"""The most frequent confusions come first, with rows that show them."""

from skillstack.evaluation.metrics import Confusion, confusions


def test_the_most_frequent_come_first_with_examples() -> None:
    right = ["late", "late", "late", "broken", "broken", "lost"]
    answers = ["lost", "lost", "lost", "late", "broken", "late"]
    texts = [f"text {number}" for number in range(6)]
    found = confusions(right, answers, texts, most=2)
    assert found == (
        Confusion("late", "lost", 3, 3, ("text 0", "text 1")),
        Confusion("broken", "late", 1, 2, ("text 3",)),
    )


def test_without_a_wrong_answer_there_is_none() -> None:
    assert confusions(["a", "b"], ["a", "b"], ["x", "y"]) == ()

"""What decides a result is in its digest, and what does not is not."""

import pytest

from skillstack.continual.request import digest_of, training_digest
from skillstack.errors import UsageError


def test_cells_come_seed_by_seed(ask):
    keys = ask("ewc", "joint", seeds=(1, 2), orders="forward,reverse").cells()
    assert [(k.seed, k.order.name, k.method) for k in keys[:4]] == [
        (1, "forward", "ewc"),
        (1, "forward", "joint"),
        (1, "reverse", "ewc"),
        (1, "reverse", "joint"),
    ]
    assert len(keys) == 8


def test_other_rows_or_another_recipe_are_another_cell_and_other_questions_the_same_stack(ask):
    first = ask()
    base, key = first.load(), first.cells()[0]
    one = first.configuration(base, key)
    fewer, slower = ask(per_class=3), ask(overrides={"learning_rate": 1e-3})
    assert digest_of(one) == digest_of(ask().configuration(base, key))
    for other in (fewer, slower):
        assert digest_of(one) != digest_of(other.configuration(base, key))
    assert training_digest(one) == training_digest(fewer.configuration(base, key))
    assert training_digest(one) != training_digest(slower.configuration(base, key))


def test_what_only_frames_follow_leaves_the_other_methods_as_they_are(ask):
    first = ask("skillstack", "ewc")
    base, (ours, theirs) = first.load(), first.cells()
    more = ask("skillstack", "ewc", overrides={"router_samples": 99})
    assert first.configuration(base, theirs) == more.configuration(base, theirs)
    assert first.common(base) == more.common(base)
    assert training_digest(first.configuration(base, ours)) != training_digest(more.configuration(base, ours))


def test_a_command_makes_the_cell_again_and_names_no_path_of_this_machine(ask, tmp_path):
    request = ask("ewc", seeds=(7,), orders="random:2", data_dir=tmp_path)
    command = request.command_of(request.cells()[1])
    assert "--methods ewc --seeds 7 --order random:2" in command
    assert "--eval-samples-per-class 20" in command
    assert "--set batch_size=8" in command
    assert "/" not in command


@pytest.mark.parametrize(
    "changes",
    [
        {"seeds": ()},
        {"seeds": (-1,)},
        {"per_class": 0},
        {"overrides": {"seed": 3}},
        {"methods": ("ewcc",)},
        {"orders": "sideways"},
        {"preset": "starter8"},
    ],
)
def test_what_cannot_be_meant_is_an_error(ask, changes):
    with pytest.raises(UsageError):
        ask(**changes)

"""What is expected of the guard, and what it says, with figures worked out by hand."""

import numpy as np
import pytest

from skillstack.compression.forecast import chances, shrunken
from skillstack.compression.result import Judged, SkillChange, Whole
from skillstack.compression.verdicts import expected, said
from skillstack.evaluation.intervals import Interval
from skillstack.evaluation.noninferiority import non_inferior, p_value
from skillstack.store.records import Count

WHOLE = Whole(0.9, 0.88)


def change(name, n, lost, gained, margin=0.01):
    before, after = np.ones(n, dtype=bool), np.ones(n, dtype=bool)
    after[:lost] = False
    before[lost : lost + gained] = False
    test = non_inferior(before, after, margin=margin, level=0.05)
    counts = Count(int(before.sum()), n), Count(int(after.sum()), n)
    return SkillChange(name, name, name, *counts, Interval(-1, 1), test)


def judged(*changes, others=0, others_of=1000, part="guard", unasked=()):
    return Judged(part, changes, WHOLE, WHOLE, others, others_of, unasked)


def test_what_loses_nothing_on_three_hundred_rows_passes():
    verdict, why = said(judged(change("films", 300, 0, 0)))
    assert verdict == "passes" and "no task loses 1.0 points or more" in why


def test_the_same_on_two_hundred_rows_cannot_be_told_and_the_rows_that_it_needs_are_said():
    assert said(judged(change("films", 200, 0, 0))) == (
        "cannot tell",
        "too few guard rows for films (200 of about 299 rows)",
    )


def test_one_task_of_many_that_loses_is_enough():
    verdict, why = said(judged(change("films", 2000, 0, 0), change("food", 2000, 100, 0)))
    assert verdict == "loses too much"
    assert why == "a loss beyond the margin is not ruled out for food (-5.0 points)"


def test_no_row_at_all_is_no_pass():
    verdict, why = said(judged(change("films", 2000, 0, 0), change("food", 0, 0, 0)))
    assert (verdict, why) == ("cannot tell", "too few guard rows for food (0 of about 299 rows)")


def test_other_families_texts_may_change_by_two_in_a_thousand():
    fine = change("films", 300, 0, 0)
    assert said(judged(fine, others=2))[0] == "passes"
    verdict, why = said(judged(fine, others=3))
    assert verdict == "loses too much"
    assert why == "routed answers to 3 texts of other families would change (0.3 %; 0.2 % may)"
    assert said(judged(fine, others_of=0))[0] == "passes"


def test_other_families_of_which_no_row_is_here_are_not_taken_to_be_safe():
    fine = change("films", 300, 0, 0)
    verdict, why = said(judged(fine, others_of=0, unasked=("mails", "tickets")))
    assert verdict == "cannot tell"
    assert why.startswith("no rows are here of mails and tickets") and "--rows mails=FILE" in why
    better = judged(change("films", 300, 0, 20), others_of=0, unasked=("mails",), part="dev")
    assert expected(better, {"films": 2000}).chance == 0.0
    # Where some are asked, those speak for all.
    assert said(judged(fine, unasked=("mails",)))[0] == "passes"


def test_a_gain_on_dev_with_enough_guard_rows_should_pass():
    found = expected(judged(change("films", 250, 2, 6), part="dev"), {"films": 2000})
    assert (found.verdict, found.why) == ("should pass", "+1.6 points on dev rows")
    assert found.chance > 0.9


def test_without_enough_guard_rows_it_is_said_how_many_it_needs():
    one = change("films", 250, 5, 5)
    found = expected(judged(one, part="dev"), {"films": 300})
    assert found.verdict == "cannot tell" and found.chance < 0.5
    assert found.why == f"films has 300 guard rows and needs about {one.test.needed:,}"
    # Four rows in a hundred differ: about 2,500 rows.
    assert one.test.needed == pytest.approx(2500, rel=0.03)


def test_nothing_should_pass_with_fewer_rows_than_the_level_allows():
    same = judged(change("films", 250, 0, 0), part="dev")
    assert expected(same, {"films": 298}).verdict == "cannot tell"
    assert expected(same, {"films": 299}).verdict == "should pass"
    assert expected(same, {"films": 0}).chance == 0.0


def test_a_loss_on_dev_is_expected_to_be_one_on_guard():
    found = expected(judged(change("films", 250, 10, 0), part="dev"), {"films": 2000})
    assert (found.verdict, found.why) == ("loses too much", "films would lose about 4.0 points")


def test_other_families_count_on_dev_too():
    found = expected(judged(change("films", 300, 0, 0), others=10, part="dev"), {"films": 2000})
    assert found.verdict == "loses too much" and "10 texts" in found.why and found.chance == 0.0


def test_losses_are_drawn_to_their_mean_as_far_as_chance_explains_them():
    tests = [change(name, 250, lost, 5).test for name, lost in (("a", 4), ("b", 5), ("c", 6))]
    assert shrunken(tests)[0] == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)
    far = [change(name, 2000, lost, 0).test for name, lost in (("a", 0), ("b", 0), ("c", 400))]
    assert shrunken(far)[0] == pytest.approx([0.0, 0.0, 0.2], abs=0.002)
    assert shrunken(tests[:2])[0] == [tests[0].loss, tests[1].loss]


def test_several_skills_have_to_pass_together():
    two = judged(change("films", 250, 3, 6), change("food", 250, 3, 6), part="dev")
    rows = {"films": 900, "food": 900}
    one = expected(judged(change("films", 250, 3, 6), part="dev"), rows)
    assert expected(two, rows).chance == pytest.approx(one.chance**2)


def test_the_chance_to_pass_is_about_the_share_of_guards_that_do():
    """Tasks that lose and gain what they like: what dev rows forecast, and what guard rows say."""
    chance = np.random.default_rng(1)
    forecast, passed = [], []
    for _ in range(400):
        lost, gained = chance.uniform(0, 0.08, size=2)
        shares, rows = [lost, gained, 1 - lost - gained], int(chance.integers(300, 2000))
        dev, guard = chance.multinomial(384, shares), chance.multinomial(rows, shares)
        forecast += chances([change("films", 384, dev[0], dev[1]).test], [rows])
        passed.append(p_value(rows, int(guard[0]), int(guard[1]), 0.01) <= 0.05)
    found, happened = np.array(forecast), np.array(passed)
    assert found.mean() == pytest.approx(happened.mean(), abs=0.05)
    assert happened[found >= 0.5].mean() > 0.75 and happened[found < 0.5].mean() < 0.25


@pytest.mark.parametrize(("lost", "gained"), [(250, 0), (0, 250), (0, 0), (125, 125)])
def test_whatever_dev_rows_show_the_chance_is_one(lost, gained):
    (found,) = chances([change("films", 250, lost, gained).test], [600])
    assert 0 <= found <= 1
    assert found > 0.99 if gained > lost else found < 0.99


def test_what_gains_much_may_pass_on_few_rows():
    assert chances([change("films", 250, 5, 60).test], [120])[0] > 0.5

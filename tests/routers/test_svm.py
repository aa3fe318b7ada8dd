"""Our scores are those of the fitted scikit-learn model."""

import numpy as np
import pytest

from skillstack.routers.base import Parameters, SkillSamples
from skillstack.routers.features import hash_rows
from skillstack.routers.svm import TrainingSet, Weighting, fit_linear, solve, with_plain_copies
from skillstack.store.rows import Row


@pytest.mark.parametrize("skills", [2, 3, 4])
def test_scores_agree_with_the_fitted_svm(
    samples: tuple[SkillSamples, ...], held_rows: dict[str, list[Row]], skills: int
) -> None:
    from scipy.sparse import csr_matrix

    parameters = Parameters()
    training = TrainingSet.of(samples[:skills])
    weighting = Weighting.of(training.rows, float(parameters.words), float(parameters.flags))
    rows, labels = with_plain_copies(training.rows, training.labels)
    svm = solve(weighting.weigh(rows), labels, len(weighting.buckets), float(parameters.c))
    test = hash_rows([row for rows in held_rows.values() for row in rows])
    weighted = weighting.weigh(test)
    shape = (len(test), len(weighting.buckets))
    theirs = svm.decision_function(
        csr_matrix((weighted.values, weighted.columns, weighted.indptr), shape=shape)
    )
    if skills == 2:
        theirs = np.stack([-theirs, theirs], axis=1)
    ours = fit_linear(training, skills, parameters).scores(test)
    assert ours.dtype == np.float32
    assert np.abs(ours - theirs).max() < 1e-4


def test_one_skill_scores_the_same_everywhere(samples: tuple[SkillSamples, ...]) -> None:
    scores = fit_linear(TrainingSet.of(samples[:1]), 1, Parameters()).scores(samples[1].rows)
    assert (scores == 1).all()


def test_the_order_of_rows_and_skills_does_not_matter(samples: tuple[SkillSamples, ...]) -> None:
    turned = [
        SkillSamples(s.skill, 0, s.rows.take(np.arange(len(s.rows))[::-1].astype(np.int64)))
        for s in reversed(samples)
    ]
    one, other = (fit_linear(TrainingSet.of(given), 4, Parameters()) for given in (samples, turned))
    assert (one.coefficients == other.coefficients).all()
    assert (one.intercepts == other.intercepts).all()


def test_a_row_scores_the_same_alone_and_in_a_batch(
    samples: tuple[SkillSamples, ...], held_rows: dict[str, list[Row]]
) -> None:
    model = fit_linear(TrainingSet.of(samples), 4, Parameters())
    rows = [row for rows in held_rows.values() for row in rows] + [Row("zzz"), Row("qqq " * 9000)]
    together = model.scores(hash_rows(rows))
    assert all(
        (model.scores(hash_rows([row]))[0] == scores).all()
        for row, scores in zip(rows, together, strict=True)
    )


def test_rows_with_line_breaks_are_learnt_on_one_line_too() -> None:
    rows = hash_rows([Row("title\nbody"), Row("plain"), Row("a\nb\nc", "second")])
    copied, labels = with_plain_copies(rows, np.array([0, 1, 2]))
    assert labels.tolist() == [0, 1, 2, 0, 2]
    assert copied.row_keys()[3:] == hash_rows([Row("title body"), Row("a b c", "second")]).row_keys()

"""Which rows a frame learns from, and that no row plays two parts."""

import dataclasses

from skillstack.data.sources import load_task
from skillstack.data.splits import split
from skillstack.training.data import choose_rows, labels_of, rows_of
from skillstack.training.recipe import Recipe

from .world import RECIPE


def test_each_class_gives_its_samples_and_dev_shares_none_of_them():
    chosen = choose_rows(load_task("travel"), RECIPE)
    counts = [labels_of(chosen.train).count(label) for label in range(15)]
    assert counts == [12] * 15
    assert not set(rows_of(chosen.train)) & set(rows_of(chosen.dev))
    assert not set(chosen.router) & set(rows_of(chosen.dev))
    assert set(labels_of(chosen.dev)) == set(range(15))
    assert len(chosen.router) == 16


def test_guard_rows_and_test_rows_are_left_alone():
    data = load_task("imdb_sentences")
    chosen = choose_rows(data, dataclasses.replace(RECIPE, samples_per_class=0, dev_samples=1000))
    used = {*rows_of(chosen.train), *rows_of(chosen.dev), *chosen.router}
    assert not used & set(rows_of(split(data.train, data.validation).guard))
    assert not used & set(rows_of(data.test))


def test_zero_samples_per_class_means_all():
    data = load_task("imdb_sentences")
    chosen = choose_rows(data, dataclasses.replace(RECIPE, samples_per_class=0))
    assert len(chosen.train) == len(split(data.train).train) > 300


def test_the_order_of_the_source_does_not_matter_and_the_seed_does():
    data = load_task("imdb_sentences")
    turned = dataclasses.replace(data, train=data.train[::-1])
    assert choose_rows(data, RECIPE).digest() == choose_rows(turned, RECIPE).digest()
    other = choose_rows(data, dataclasses.replace(RECIPE, seed=7))
    assert other.digest() != choose_rows(data, RECIPE).digest()


def test_the_digest_covers_every_part():
    chosen = choose_rows(load_task("imdb_sentences"), Recipe())
    turned = dataclasses.replace(chosen.train[0], label=1 - chosen.train[0].label)
    changes = (
        {"train": (turned, *chosen.train[1:])},
        {"train": chosen.train[::-1]},
        {"dev": chosen.dev[1:]},
        {"router": chosen.router[1:]},
    )
    digests = {chosen.digest(), *(dataclasses.replace(chosen, **change).digest() for change in changes)}
    assert len(digests) == 5

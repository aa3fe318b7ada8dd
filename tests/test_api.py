"""The API on the reference stack: what people's programs rely on."""

import doctest
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas
import pytest

import skillstack.stack
from skillstack import Recipe, RunOptions
from skillstack.errors import InputError, MismatchError, StoreError, UsageError
from skillstack.library import Library
from skillstack.models import sources
from skillstack.models.loading import load_base
from skillstack.stack import Stack
from skillstack.store.rows import Row

from .adding import train

ROOT = Path(__file__).resolve().parents[1]
TEXTS = [
    "please block my card",
    "the soup was cold and nobody cared",
    "can i bring a pair of scissors on the plane",
    "play that song again",
    "how many vacation days do i have left",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a copy of the reference stack, as people have it."""
    for name in (ROOT / "scripts" / "reference_files.txt").read_text(encoding="utf-8").split():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def stack(folder: Path) -> Stack:
    return Stack.open(folder / "frames")


@pytest.fixture(scope="module")
def reference() -> Stack:
    return Stack.open(ROOT / "frames", "reference")


def test_the_examples_in_the_docstrings_run(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("SKILLSTACK_STACK", "reference")
    assert doctest.testmod(skillstack.stack).failed == 0
    assert doctest.testmod(skillstack).failed == 0


def test_a_stack_is_walked_from_the_newest_frame_to_the_oldest(reference):
    frames = list(reference)
    assert [frame.position for frame in frames] == list(range(len(frames)))[::-1]
    assert [frame.parent for frame in frames[:-1]] == [frame.id for frame in frames[1:]]
    assert frames[-1].parent is None


def test_a_frame_is_found_by_name_and_by_the_beginning_of_its_id(reference):
    frame = reference.frame("travel")
    assert reference.frame(frame.id[:8]) == frame
    with pytest.raises(UsageError, match="travel"):
        reference.frame("travle")
    with pytest.raises(UsageError):
        reference.frame(frame.id[:3])


def test_a_mixed_batch_answers_as_one_by_one(reference):
    together = reference.predict(TEXTS)
    alone = [reference.predict(text) for text in TEXTS]
    assert [answer.label_name for answer in together] == [answer.label_name for answer in alone]
    assert [answer.routed for answer in together] == [answer.routed for answer in alone]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(
            list(one.probabilities.values()), list(other.probabilities.values()), atol=1e-5
        )
    assert len({answer.routed.task for answer in together}) >= 4


def test_rows_go_to_heads_of_their_own_size(reference):
    answers = reference.predict(TEXTS[:2])
    assert [len(answer.probabilities) for answer in answers] == [15, 2]
    assert all(abs(sum(answer.probabilities.values()) - 1) < 1e-6 for answer in answers)


def test_a_named_frame_answers_whatever_the_router_says(reference):
    answer = reference.predict("please block my card", frame="imdb_sentences")
    assert answer.routed.frame == "imdb_sentences"
    assert answer.label_name in ("negative", "positive")


def test_a_long_text_is_cut_and_flagged(reference):
    assert reference.predict("a very good film. " * 500, frame="imdb_sentences").truncated
    assert not reference.predict("a very good film.", frame="imdb_sentences").truncated


@pytest.mark.parametrize("text", ["", "  \n", "a\0b", "a\ud800b", "x" * 10_000_000])
def test_what_is_no_text_is_refused(reference, text):
    with pytest.raises(InputError):
        reference.route(text)


def test_a_second_text_where_no_skill_reads_pairs_is_refused(reference):
    with pytest.raises(InputError, match="one text"):
        reference.predict(Row("is it so?", "it is."))


def test_nothing_is_answered_for_no_rows(reference):
    assert reference.route([]) == []
    assert reference.predict([]) == []


def test_the_two_routers_share_their_scores(reference):
    chain = reference.route(TEXTS)
    best = reference.route(TEXTS, router="hybrid_svm")
    assert [route.ranking for route in chain] == [route.ranking for route in best]
    for route in best:
        assert route.task == route.ranking[0].task


def test_a_threshold_that_nothing_reaches_falls_back_to_the_best_of_all(reference):
    for route in reference.route(TEXTS, threshold=1e6):
        assert route.fallback and not route.accepted
        assert route.task == route.ranking[0].task
        assert route.depth == len(reference)


def test_unknown_routers_and_options_are_refused(reference):
    with pytest.raises(UsageError, match="hybrid"):
        reference.route("hello", router="hybrid_chian")
    with pytest.raises(UsageError, match="threshold"):
        reference.route("hello", router="hybrid_svm", threshold=0.5)


def test_a_missing_or_damaged_router_state_is_fitted_again_and_decides_the_same(stack):
    before = stack.route(TEXTS)
    state = stack.router_folder() / "state.json"
    state.write_bytes(state.read_bytes().replace(b"threshold", b"treshold"))
    assert Stack.open(stack.store.root).route(TEXTS) == before
    shutil.rmtree(stack.store.routers)
    assert Stack.open(stack.store.root).route(TEXTS) == before
    assert state.is_file()


def test_a_base_of_other_weights_is_refused_with_both_named(reference, tmp_path):
    base = load_base("minilm")
    with_other_weights = base.model
    first = next(iter(with_other_weights.parameters()))
    first.data += 0.01
    with_other_weights.save_pretrained(tmp_path / "other")
    base.tokenizer.save_pretrained(tmp_path / "other")
    with pytest.raises(MismatchError, match=r"all-MiniLM-L6-v2.*other"):
        Stack.open(ROOT / "frames", "reference", model=str(tmp_path / "other")).predict("hello")


def test_the_same_base_in_a_folder_is_accepted(reference, tmp_path):
    shutil.copytree(sources.minilm_folder(), tmp_path / "copy")
    moved = Stack.open(ROOT / "frames", "reference", model=str(tmp_path / "copy"))
    assert moved.predict(TEXTS[0]).label is not None


def test_stacks_are_listed_and_chosen(folder):
    store = folder / "frames"
    (info,) = Library(store).list()
    assert (info.name, info.frames, info.current, info.read_only) == ("reference", 8, True, True)
    assert Library(store).use("reference") == "reference"
    with pytest.raises(UsageError, match="reference"):
        Library(store).use("refrence")


def test_the_reference_stack_is_not_trained_over(folder):
    with pytest.raises(UsageError, match="reading only"):
        Stack.open(folder / "frames", "reference").train(tasks=["banking"])


def test_an_unknown_stack_or_store_is_an_error_with_a_hint(folder, tmp_path):
    with pytest.raises(UsageError, match="reference"):
        Stack.open(folder / "frames", "refrence")
    with pytest.raises(StoreError, match="no store"):
        Stack.open(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "hard88"}, "hard8"),
        ({"tasks": ["bankign"]}, "banking"),
        ({"tasks": ["banking", "banking"]}, "twice"),
        ({}, "nothing to train"),
        ({"preset": "starter8", "tasks": ["banking"]}, "one of the two"),
        ({"tasks": ["banking"], "recipe": {"epoch": 3}}, "epochs"),
        ({"tasks": ["banking"], "recipe": {"epochs": -1}}, "between"),
        ({"tasks": ["banking"], "stack": "../up"}, "valid name"),
        ({"tasks": ["banking"], "model": "minilmm"}, "minilm"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(UsageError, match=message):
        train(store=tmp_path / "frames", **arguments)
    assert not list(tmp_path.iterdir())


def test_a_task_that_does_not_ship_needs_a_data_folder(tmp_path):
    with pytest.raises(InputError, match="data-dir"):
        train(tasks=["imdb"], store=tmp_path / "frames")


def test_another_precision_is_named_and_its_agreement_measured(reference):
    rougher = Stack.open(ROOT / "frames", "reference", precision="bf16")
    agreement = rougher.agreement()
    assert (agreement.trained, agreement.held, agreement.n) == ("fp32", "bf16", 64)
    assert agreement.same >= 56
    answer = rougher.predict(TEXTS[0])
    assert answer.precision_change == "bf16"
    assert reference.predict(TEXTS[0]).precision_change is None
    assert reference.agreement() is None


@pytest.mark.parametrize(
    "rows", [None, 7, 1.5, b"text", {"text": "a"}, {"a"}, pandas.DataFrame({"body": TEXTS}), [["a"]], [None]]
)
def test_what_is_no_text_and_no_column_of_texts_is_never_answered(reference, rows):
    for ask in (reference.route, reference.predict):
        with pytest.raises(InputError):
            ask(rows)


def test_a_column_is_answered_row_by_row(reference):
    wanted = [route.skill for route in reference.route(TEXTS)]
    for column in (pandas.Series(TEXTS), np.array(TEXTS), tuple(TEXTS), iter(TEXTS)):
        assert [route.skill for route in reference.route(column)] == wanted


def test_results_print_as_one_short_line_and_are_dictionaries_for_a_data_frame(reference):
    route, answer = reference.route(TEXTS[0]), reference.predict(TEXTS[0])
    for one in (reference, reference["travel"], route, answer):
        assert len(repr(one)) < 110 and "\n" not in repr(one)
    assert repr(reference["travel"]).startswith("Frame('travel', ")
    assert repr(route).startswith("Route(banking, ")
    table = pandas.DataFrame([answer.to_dict()])
    assert table["label_name"][0] == answer.label_name and table["task"][0] == "banking"
    assert answer.probability == answer.probabilities[answer.label_name]
    assert not route.rejected and route.to_dict()["frame"] == "banking"


def test_a_frame_is_had_by_its_name_and_so_is_its_card(reference):
    assert reference["travel"] == reference.frame("travel")
    assert "travel" in reference and "travle" not in reference and reference["travel"] in reference
    assert "travel" in reference.card("travel")
    with pytest.raises(UsageError, match="travel"):
        reference.card("travle")


def test_a_recipe_says_what_differs_and_refuses_what_cannot_be_meant():
    assert Recipe(epochs=3, init="fresh").changes == {"epochs": 3, "init": "fresh"}
    assert Recipe(epochs=3) == Recipe()
    assert pickle.loads(pickle.dumps(Recipe(epochs=3))).changes == {"epochs": 3}
    for wrong, said in (({"epoch": 3}, "epochs"), ({"epochs": "3"}, "kind"), ({"epochs": -1}, "between")):
        with pytest.raises(UsageError, match=said):
            Recipe(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [{"micro_batch": -1}, {"accumulate": 0}, {"time_limit": -1}, {"time_limit": "1h"}, {"accumulate": True}],
)
def test_run_options_refuse_what_cannot_be_meant(wrong):
    with pytest.raises(UsageError, match="must be"):
        RunOptions(**wrong)


def test_a_stack_that_is_still_to_be_made_writes_nothing_when_it_is_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Stack.open(create=True).name == "reference"  # of the package, and what is learned goes to a copy
    opened = Stack.open(tmp_path / "frames", create=True)
    assert (opened.name, len(opened)) == ("main", 0)
    with pytest.raises(UsageError, match="no frames"):
        opened.route("hello")
    assert Stack.open(tmp_path / "frames", "own", create=True).name == "own"
    assert not list(tmp_path.iterdir())


def test_the_public_names_are_there_and_importing_them_by_name_is_all_that_loads_them():
    assert all(hasattr(skillstack, name) for name in skillstack.__all__)
    assert skillstack.__version__
    code = "import sys, skillstack; print(sum(name.startswith('skillstack') for name in sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "1"


def test_a_route_runs_through_few_files_and_its_command_loads_few(reference):
    reference.route(TEXTS[0])
    files = set()

    def note(frame, event, argument):
        if frame.f_code.co_filename.startswith(str(ROOT / "skillstack")):
            files.add(frame.f_code.co_filename)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        reference.route(TEXTS[0])
    finally:
        sys.setprofile(before)
    assert 5 < len(files) <= 15, sorted(files)
    code = (
        "import sys; from skillstack.cli.group import run; "
        "assert run(['route', 'please block my card', '--stack', 'reference']) == 0; "
        "heavy = {'torch', 'transformers', 'sklearn', 'scipy'} & set(sys.modules); assert not heavy, heavy; "
        "found = [name for name in sys.modules if name.startswith('skillstack')]; "
        "assert len(found) <= 45, found"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)

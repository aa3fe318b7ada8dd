from skillstack.cli.verify import Checked, check_json, check_words
from skillstack.results import Agreement, CanaryCheck
from skillstack.store.verify import Problem, Verification, verify

GOOD = CanaryCheck("cards", "cards", 1e-6, 1.2, 1e-4)
BAD = CanaryCheck("trips", "trips", 0.5, 1.2, 1e-4)


def test_a_whole_store_is_called_intact(made):
    checked = Checked("frames", verify(made.store))
    assert check_words(checked)[0].endswith("1 stack in frames: all intact.")
    assert (checked.ok, check_json(checked)["canaries"]) == (True, None)


def test_a_problem_names_its_file(made):
    path = next((made.store.root / "heads").iterdir())
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    checked = Checked("frames", verify(made.store))
    words = check_words(checked)
    assert words[0].endswith("1 problem.")
    assert f"heads/{path.name}" in words[1]
    assert check_json(checked)["ok"] is False


def test_canaries_count_as_checks():
    files = Verification(3, 1, (), ("adapters/x",))
    assert Checked("frames", files, (GOOD,)).ok
    checked = Checked("frames", files, (GOOD, BAD))
    assert check_json(checked)["ok"] is False
    text = "\n".join(check_words(checked))
    assert "1 of 2 skills answer the canary sentences" in text
    assert "NO  trips" in text
    assert "do no harm: 1\n  adapters/x" in text


def test_another_precision_says_how_many_labels_stay():
    files = Verification(3, 1, (), ())
    checked = Checked("frames", files, (GOOD,), Agreement("nf4", "fp32", 62, 64))
    assert check_json(checked)["agreement"] == {"trained": "nf4", "held": "fp32", "same": 62, "n": 64}
    words = check_words(checked)
    assert "at fp32 they give the same label to 62 of 64" in " ".join(words)
    assert all(len(line) <= 80 for line in words)
    assert check_json(Checked("frames", files, (GOOD,)))["agreement"] is None


def test_a_path_cannot_act_on_a_terminal():
    files = Verification(1, 1, (Problem("heads/\x1b[2J", "was altered"),), ())
    assert "\x1b" not in "\n".join(check_words(Checked("frames", files)))

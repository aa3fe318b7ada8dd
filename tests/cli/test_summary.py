from skillstack.answers import Trained
from skillstack.cli.summary import Summary
from skillstack.store.records import Count
from skillstack.training.progress import FamilySettled, FrameDone, FrameKept

DONE = FrameDone(2, 2, "banking", "ab" * 32, Count(191, 200), Count(160, 200), "epoch 2", 12.34)


def summary():
    made = Summary()
    made.add(FrameKept(1, 2, "films"))
    made.add(DONE)
    return made


def test_the_table_shows_accuracy_rival_choice_and_time():
    text = summary().words(Trained("mine", ("banking",), ("films",), "ab" * 32), None)
    assert text[0] == "mine: 1 frame trained, 1 there already"
    assert " ".join(text[3].split()) == "banking 95.5 % of 200 80.0 % epoch 2 12.3 s"


def test_the_next_commands_can_be_typed_as_they_stand():
    text = summary().words(Trained("mine", ("banking",), (), "ab" * 32), "my store")
    assert "  skillstack route \"please block my card\" --store 'my store'" in text
    assert "  skillstack log --store 'my store'" in text


def test_a_finished_training_says_that_there_was_nothing_to_do():
    text = Summary().words(Trained("mine", (), ("films", "banking"), "ab" * 32), None)
    assert text[0] == "Nothing to do: 2 frames of mine are there already."


def test_json_gives_counts_and_the_chosen_candidate():
    value = summary().to_json(Trained("mine", ("banking",), ("films",), "ab" * 32))
    assert value["frames"] == [
        {
            "name": "banking",
            "id": "ab" * 32,
            "dev": {"correct": 191, "n": 200, "accuracy": 0.955},
            "frozen_linear_dev": {"correct": 160, "n": 200, "accuracy": 0.8},
            "chosen": "epoch 2",
            "seconds": 12.34,
        }
    ]


def test_families_that_were_merged_are_counted():
    made = summary()
    made.add(FamilySettled("intent", ("travel", "banking"), "intent", "no task loses 2.0 points or more"))
    made.add(FamilySettled("intent", ("intent", "work"), None, "work would lose about 3.0 points"))
    trained = Trained("mine", ("banking",), ("films",), "ab" * 32)
    said = "Families: 2 times tried, 1 of them merged; `skillstack log` shows the frames that there are now."
    assert said in made.words(trained, None)
    assert made.to_json(trained)["settled"][0] == {
        "family": "intent",
        "frames": ("travel", "banking"),
        "merged": "intent",
        "why": "no task loses 2.0 points or more",
    }

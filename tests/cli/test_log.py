import io
import sys
from dataclasses import replace

from skillstack.cli.log import chain_words

from .answers import frames_of


def test_the_chain_is_drawn_from_the_newest_to_the_oldest(made):
    text = chain_words("mine", frames_of(made.store, "mine"), "frames")
    assert text[0] == "mine: frames"
    drawn = text[3:6]
    assert [line.split()[1] for line in drawn] == ["trips", "cards", "films"]
    assert [line[0] for line in drawn] == ["┌", "├", "└"]
    assert "intent" in drawn[1]
    assert "91.0 % of 100" in drawn[1]
    assert made.nodes[1][:8] in drawn[1]
    assert drawn[1].endswith(made.nodes[0][:8])
    assert drawn[2].endswith("-")
    assert max(map(len, text)) <= 80


def test_totals_stand_below(made):
    frames = frames_of(made.store, "mine")
    totals = "\n".join(chain_words("mine", frames, "frames")[7:])
    assert "3 frames, 2 families, mean dev accuracy 91.0 %" in totals
    assert "base a-base (bert, fp32)" in totals


def test_an_encoding_without_lines_gets_ascii(made, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    "\n".join(chain_words("mine", frames_of(made.store, "mine"), "frames")).encode("ascii")


def test_a_frame_of_many_skills_lists_each(made):
    newest, *older = frames_of(made.store, "mine")
    second = replace(newest.skills[0], name="hotels", family="topic")
    both = replace(newest, content=replace(newest.content, skills=(*newest.skills, second)))
    text = chain_words("mine", [both, *older], "frames")
    assert "2 skills" in text[3]
    assert text[5].startswith("│ - hotels  topic")
    assert "3 frames, 4 skills" in "\n".join(text)


def test_an_empty_stack_says_how_to_go_on():
    assert chain_words("mine", [], "frames", hint="Undo it.")[-2:] == ["There are no frames.", "Undo it."]

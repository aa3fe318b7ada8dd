from dataclasses import replace

from skillstack.cli.answered import prediction_line, prediction_words, route_line, route_words

from .answers import PREDICTED, ROUTED


def test_a_route_says_what_how_sure_and_how_it_got_there():
    text = "\n".join(route_words(ROUTED))
    assert text.startswith("cards (intent)\n")
    for said in ("cards abababab", "97.3 %", "score 1.234", "accepted at depth 2, by hybrid_chain"):
        assert said in text
    assert "trips 0.100, films -0.500" in text
    assert "not calibrated" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_confidence_that_was_not_fitted_is_marked():
    assert "(not calibrated)" in "\n".join(route_words(replace(ROUTED, calibrated=False)))


def test_a_fallback_and_a_rejection_are_called_so():
    fallback = replace(ROUTED, accepted=False, fallback=True)
    assert "no score reached the threshold" in "\n".join(route_words(fallback))
    rejected = replace(ROUTED, skill=None, task=None, family=None, frame=None, frame_id=None, accepted=False)
    assert route_words(rejected)[0] == "rejected: no skill fits"
    assert "rejected" in route_line("a text", rejected)


def test_a_prediction_gives_the_label_first_and_the_others_after():
    words = prediction_words(PREDICTED)
    assert words[0] == "block_card (90.0 %)"
    assert "other 10.0 %" in words[1]
    assert not any("cut" in line for line in words)
    assert any("cut" in line for line in prediction_words(replace(PREDICTED, truncated=True)))


def test_a_frame_that_was_named_needs_no_confidence_of_a_router():
    named = replace(ROUTED, router="none", ranking=())
    assert not any("confidence" in line for line in prediction_words(replace(PREDICTED, routed=named)))


def test_a_rejected_text_has_no_label():
    rejected = replace(ROUTED, skill=None, task=None, family=None, frame=None, frame_id=None)
    predicted = replace(PREDICTED, routed=rejected, label=None, label_name=None, probabilities={})
    assert prediction_words(predicted)[0].startswith("rejected")
    assert "rejected" in prediction_line("a text", predicted)


def test_a_line_of_a_list_fits_the_terminal_and_hides_no_control_character():
    for line in (route_line("\x1b[2J long\n" * 90, ROUTED), prediction_line("long " * 90, PREDICTED)):
        assert len(f"{1:>6}  {line}") <= 80
        assert "\x1b" not in line
        assert "\n" not in line
    named = replace(PREDICTED, label_name="a\x1bb", probabilities={"a\x1bb": 1.0})
    assert "a\\x1bb" in prediction_line("text", named)

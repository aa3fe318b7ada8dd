import pytest

from skillstack.data.task import FAMILIES, default_prompt


def test_the_families_are_those_of_the_design() -> None:
    assert list(FAMILIES) == ["sentiment", "topic", "intent", "nli", "paraphrase", "qa"]


@pytest.mark.parametrize("family", [*FAMILIES, "weather"])
@pytest.mark.parametrize("pair", [False, True])
def test_a_default_prompt_asks_and_ends_where_the_answer_would_stand(family: str, pair: bool) -> None:
    prompt = default_prompt(family, pair=pair)
    assert prompt.count("{text}") == 1
    assert prompt.count("{text_pair}") == int(pair)
    assert not prompt.endswith(("{text}", "{text_pair}", " ", "\n"))

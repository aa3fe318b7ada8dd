"""What a base reads: all of a short text, the best of a long one, and always the prompt's end."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skillstack.errors import InputError, UsageError
from skillstack.models.encoding import encode, longest
from skillstack.models.loading import load_base
from skillstack.store.records import Rendering
from skillstack.store.rows import Row

PROMPT = "Review: {text}\nThe sentiment of this review is"
PAIR = "Text: {text}\nQuestion: {text_pair}\nThe answer is"
WORDS = st.lists(
    st.sampled_from(["good", "bad", "film,", "naïve", "北京", "😀", "{text}", "1234"]), min_size=1
)
RELAXED = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("name", ["bert", "roberta", "distilbert"])
@pytest.mark.parametrize("row", [Row("a great movie"), Row("a great movie", "is it great?")])
def test_an_encoder_reads_what_its_tokenizer_would_give_it(folders, name, row):
    base = load_base(str(getattr(folders, name)), device="cpu")
    texts = [row.text] if row.text_pair is None else [row.text, row.text_pair]
    expected = base.tokenizer(*texts)
    found = encode(base, [row], Rendering())
    assert found.ids[0] == expected["input_ids"]
    assert found.cut == (False,)
    if "token_type_ids" in expected:
        assert found.types is not None
        assert found.types[0] == expected["token_type_ids"]


def test_single_texts_and_pairs_may_be_mixed(minilm):
    rows = [Row("one"), Row("two", "three"), Row("four"), Row("five", "six")]
    together = encode(minilm, rows, Rendering())
    for place, row in enumerate(rows):
        alone = encode(minilm, [row], Rendering())
        assert (together.ids[place], together.types[place]) == (alone.ids[0], alone.types[0])


def test_head_keeps_the_beginning_and_head_tail_a_quarter_of_it_and_the_end(minilm):
    words = [f"{n}" for n in range(1, 10)]
    row = Row(" ".join(words * 5))
    plain = minilm.tokenizer(row.text, add_special_tokens=False)["input_ids"]
    head = encode(minilm, [row], Rendering(truncation="head", max_length=22))
    both = encode(minilm, [row], Rendering(truncation="head_tail", max_length=22))
    assert head.ids[0][1:-1] == plain[:20]
    assert both.ids[0][1:-1] == plain[:5] + plain[-15:]
    assert head.cut == both.cut == (True,)
    assert head.ids[0][0] == minilm.tokenizer.cls_token_id
    assert head.ids[0][-1] == minilm.tokenizer.sep_token_id


def test_of_a_pair_the_longer_text_is_cut(minilm):
    short, long = "one two three", " ".join(["word"] * 100)
    found = encode(minilm, [Row(short, long), Row(long, short)], Rendering(max_length=32))
    tokens = minilm.tokenizer(short, add_special_tokens=False)["input_ids"]
    assert found.ids[0][1:4] == tokens
    assert found.ids[1][-4:-1] == tokens
    assert found.lengths == [32, 32]


def test_a_decoder_reads_its_prompt(tiny_llama):
    found = encode(tiny_llama, [Row("a great movie")], Rendering(prompt=PROMPT))
    text = PROMPT.replace("{text}", "a great movie")
    assert found.ids[0] == tiny_llama.tokenizer(text)["input_ids"]
    assert found.types is None


def test_a_decoder_without_a_prompt_reads_the_texts(tiny_llama):
    found = encode(tiny_llama, [Row("one"), Row("one", "two")], Rendering())
    assert [tiny_llama.tokenizer.decode(ids) for ids in found.ids] == ["one", "one\ntwo"]


@given(words=WORDS, repeats=st.integers(1, 40), max_length=st.integers(60, 100))
@RELAXED
def test_a_prompts_own_words_always_stay(folders, words, repeats, max_length):
    base = _llama(folders)
    text = " ".join(words * repeats)
    rendering = Rendering(prompt=PROMPT, max_length=max_length)
    found = encode(base, [Row(text)], rendering)
    said = base.tokenizer.decode(found.ids[0])
    assert found.lengths[0] <= max_length
    assert said.startswith("Review:")
    assert said.endswith("\nThe sentiment of this review is")
    if found.cut[0]:
        assert found.lengths[0] >= max_length - 4
    else:
        assert text in said


@given(first=WORDS, second=WORDS, repeats=st.integers(1, 30))
@RELAXED
def test_of_a_prompts_two_texts_both_are_heard(folders, first, second, repeats):
    base = _llama(folders)
    row = Row(" ".join(first * repeats), " ".join(second))
    found = encode(base, [row], Rendering(prompt=PAIR, max_length=100))
    said = base.tokenizer.decode(found.ids[0])
    assert found.lengths[0] <= 100
    assert "\nQuestion:" in said
    assert said.endswith("\nThe answer is")
    if not found.cut[0]:
        assert f"{row.text}\nQuestion: {row.text_pair}" in said


def test_what_a_text_says_is_never_taken_for_the_template(tiny_llama):
    rendering = Rendering(prompt=PAIR, max_length=128)
    found = encode(tiny_llama, [Row("{text_pair} {0}", "{text}")], rendering)
    assert tiny_llama.tokenizer.decode(found.ids[0]).startswith("Text: {text_pair} {0}\nQuestion: {text}\n")


@pytest.mark.parametrize("truncation", ["head", "head_tail"])
def test_a_text_of_two_million_characters_is_read_at_once(minilm, tiny_llama, truncation):
    row = Row("begin " + "word " * 400_000 + "end")
    for base, prompt in ((minilm, ""), (tiny_llama, PROMPT)):
        rendering = Rendering(prompt=prompt, truncation=truncation, max_length=100)
        found = encode(base, [row], rendering)
        assert found.lengths == [100]
        assert found.cut == (True,)
        said = base.tokenizer.decode(found.ids[0])
        assert "begin" in said
        assert ("end" in said) == (truncation == "head_tail")


def test_leaving_out_the_middle_does_not_change_what_is_kept(minilm):
    row = Row(" ".join(f"word{n}" for n in range(3000)))
    plain = minilm.tokenizer(row.text, add_special_tokens=False, verbose=False)["input_ids"]
    found = encode(minilm, [row], Rendering(max_length=128))
    assert found.ids[0][1:-1] == plain[:31] + plain[-95:]


def test_a_prompt_that_leaves_no_room_is_refused(tiny_llama):
    with pytest.raises(UsageError, match="prompt alone"):
        encode(tiny_llama, [Row("text " * 50)], Rendering(prompt=PROMPT, max_length=10))


@pytest.mark.parametrize(
    "prompt", ["no field", "{text} {text}", "{text_pair}", "{text}{text_pair}{text_pair}"]
)
def test_a_prompt_with_the_wrong_fields_is_refused(tiny_llama, prompt):
    with pytest.raises(UsageError, match="exactly once"):
        encode(tiny_llama, [Row("a", "b")], Rendering(prompt=prompt))


def test_prompt_and_row_must_agree_on_a_second_text(tiny_llama):
    with pytest.raises(InputError, match="no place"):
        encode(tiny_llama, [Row("a", "b")], Rendering(prompt=PROMPT))
    with pytest.raises(InputError, match="the row has none"):
        encode(tiny_llama, [Row("a")], Rendering(prompt=PAIR))


@pytest.mark.parametrize("name", ["bert", "roberta", "llama"])
def test_the_longest_row_that_is_allowed_can_be_read_and_a_longer_one_is_refused(folders, name):
    base = load_base(str(getattr(folders, name)), device="cpu")
    limit = longest(base)
    assert limit == (256 if name == "llama" else 130)
    found = encode(base, [Row("word " * 600)], Rendering(max_length=limit))
    assert base.model(**found.batch([0]).inputs()).last_hidden_state.shape[1] == limit
    with pytest.raises(UsageError, match=str(limit)):
        encode(base, [Row("a")], Rendering(max_length=limit + 1))


def test_batches_are_padded_on_the_right_and_masked(minilm):
    encoded = encode(minilm, [Row("one two three"), Row("one")], Rendering())
    batch = encoded.batch([1, 0])
    assert batch.attention_mask.tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert batch.input_ids[0, 3:].tolist() == [minilm.tokenizer.pad_token_id] * 2
    assert encoded.select([1]).ids == (encoded.ids[1],)
    assert len(encode(minilm, [], Rendering())) == 0


def _llama(folders):
    # One for all examples of a property; nothing is put into it.
    if folders.llama not in _LOADED:
        _LOADED[folders.llama] = load_base(str(folders.llama), device="cpu")
    return _LOADED[folders.llama]


_LOADED = {}

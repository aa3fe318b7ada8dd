import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.data.hub_rows import clean, likeness
from skillstack.store.rows import Row

ALL = ("breaks", "entities", "escapes", "mask")


@pytest.mark.parametrize(
    ("text", "steps", "cleaned"),
    [
        ("One.<br /><br />Two.", ["breaks"], "One.\nTwo."),
        ("Yes &amp; no, it #39;s &lt;b&gt;", ["entities"], "Yes & no, it 's <b>"),
        ('A \\"good\\" place.\\n\\nReally', ["escapes"], 'A "good" place.\nReally'),
        ("dwindling\\band of", ["escapes"], "dwindling band of"),
        ("Write to a.b@c.co.uk or (555) 123-4567 now", ["mask"], "Write to [email] or [phone] now"),
        ("In 1999 it cost 1234567 or 10-20", ["mask"], "In 1999 it cost 1234567 or 10-20"),
        ("  a \t b \r\n c ", [], "a b\nc"),
        ("<br /> &amp; \\n", [], "<br /> &amp; \\n"),
    ],
)
def test_markup_becomes_plain_characters(text, steps, cleaned):
    assert clean(text, steps) == cleaned


@given(st.text())
def test_cleaned_text_is_trimmed_and_holds_no_nul(text):
    found = clean(text, ALL)
    assert found == found.strip()
    assert "\0" not in found


def test_texts_are_alike_whatever_their_case_accents_and_punctuation():
    assert likeness(Row("Café, NOW!")) == likeness(Row("cafe now"))
    assert likeness(Row("北京")) != likeness(Row("上海"))
    assert likeness(Row("!!!")) != likeness(Row("???"))

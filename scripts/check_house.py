"""Checks rules of the house that no linter knows, and counts modules and lines.

    python scripts/check_house.py

No class name stands twice in the package. A module of more than 400 lines says in its docstring why it is so,
in a sentence with the words "long because". Every import is of a declared dependency; what an extra brings is
imported inside functions alone.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
MOST_LINES = 400
#: What is long until its package is put in order; nothing is to be added.
MODULES_ALLOWED_LONG = {"skillstack/compression/merging.py", "skillstack/store/store.py"}


def main() -> int:
    """Print what is wrong, and the counts."""
    sources = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted((ROOT / "skillstack").rglob("*.py"))
    }
    trees = {name: ast.parse(text) for name, text in sources.items()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wrong = [
        *_classes_twice(trees),
        *_long_modules(sources, trees),
        *undeclared_imports(trees, project, packages_distributions()),
    ]
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(sources)} modules, {sum(text.count(chr(10)) for text in sources.values()):,} lines")
    return 1 if wrong else 0


def _classes_twice(trees: Mapping[str, ast.Module]) -> Iterator[str]:
    places = defaultdict(list)
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(name)
    for kind, found in sorted(places.items()):
        if len(found) > 1:
            yield f"The class {kind} stands in {' and '.join(found)}: give each its own name."


def _long_modules(sources: Mapping[str, str], trees: Mapping[str, ast.Module]) -> Iterator[str]:
    for name, text in sources.items():
        lines, reason = text.count("\n"), "long because" in (ast.get_docstring(trees[name]) or "")
        if lines > MOST_LINES and not reason and name not in MODULES_ALLOWED_LONG:
            yield f"{name} has {lines} lines: split it, or say in its docstring why it is long."


def undeclared_imports(
    trees: Mapping[str, ast.Module], project: Mapping[str, Any], distributions: Mapping[str, list[str]]
) -> Iterator[str]:
    """Imports that no dependency of the project brings, and those of extras at the top of a module.

    :param project: the table of pyproject.toml.
    :param distributions: those that bring a top-level module, by its name.
    """
    needed = _names(project["dependencies"])
    own = canonicalize_name(project["name"])
    extras = {
        package
        for extra, entries in project["optional-dependencies"].items()
        if extra != "dev"
        for package in _names(entries)
    }
    for name, tree in trees.items():
        for module, deferred in _imports(tree):
            if module in sys.stdlib_module_names or module == own:
                continue
            bringing = {canonicalize_name(one) for one in distributions.get(module, [module])}
            if bringing & needed:
                continue
            if not bringing & extras:
                yield f"{name} imports {module}, which pyproject.toml does not declare."
            elif not deferred:
                yield f"{name} imports {module} at its top, but an extra brings it: import it in a function."


def _names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in requirements}


def _imports(tree: ast.AST, *, deferred: bool = False) -> Iterator[tuple[str, bool]]:
    """The top-level name of each import, and whether it runs only when a function does, or never."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], deferred) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0], deferred
        else:
            later = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            yield from _imports(node, deferred=deferred or later or types)


if __name__ == "__main__":
    sys.exit(main())

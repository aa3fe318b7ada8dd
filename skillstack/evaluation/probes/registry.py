"""Probes by name. Each module has a function ``probe`` that takes a `Probing` and gives its result."""

from __future__ import annotations

from importlib import import_module

from skillstack.errors import UsageError, did_you_mean
from skillstack.evaluation.probes.generalization import Generalization
from skillstack.evaluation.probes.order import OrderProbe
from skillstack.evaluation.probes.probing import Probing
from skillstack.evaluation.probes.redundancy import Redundancy

#: What probes find; all of them have ``origin`` and ``to_json``.
Probed = Generalization | OrderProbe | Redundancy

#: The only modules that a probe's name can lead to. To add one: a module here, a line in this table, its
#: result in `Probed`, and its words in `skillstack.cli.probe`.
PROBES = {
    "generalization": "skillstack.evaluation.probes.generalization",
    "order": "skillstack.evaluation.probes.order",
    "redundancy": "skillstack.evaluation.probes.redundancy",
}


def check_name(name: str) -> str:
    """The name of a probe, if it is one.

    :raises UsageError: if it is not.
    """
    if name not in PROBES:
        raise UsageError(f"There is no probe {name[:80]!r}.", did_you_mean(name, PROBES))
    return name


def run(name: str, probing: Probing) -> Probed:
    """Probe a stack.

    :raises UsageError: if there is no such probe.
    :raises SkillStackError: one of its kinds, if texts or answers cannot be had.
    """
    found: Probed = import_module(PROBES[check_name(name)]).probe(probing)
    return found

"""All sections of a report, in the order in which they are read."""

from __future__ import annotations

from skillstack.reports.material import Material
from skillstack.reports.section import Section
from skillstack.reports.sections.accuracy import accuracy_section
from skillstack.reports.sections.chain import chain_section
from skillstack.reports.sections.compression import compression_section
from skillstack.reports.sections.cost import cost_section
from skillstack.reports.sections.forgetting import forgetting_section
from skillstack.reports.sections.gaps import gaps_section
from skillstack.reports.sections.matrix import matrix_section
from skillstack.reports.sections.methods import methods_section
from skillstack.reports.sections.prototype import prototype_section
from skillstack.reports.sections.regret import regret_section
from skillstack.reports.sections.routing import routing_section

_MAKERS = (
    chain_section,
    accuracy_section,
    regret_section,
    routing_section,
    forgetting_section,
    methods_section,
    compression_section,
    matrix_section,
    cost_section,
    gaps_section,
    prototype_section,
)


def sections(material: Material) -> list[Section]:
    """Those for which there is something to say."""
    return [found for make in _MAKERS if (found := make(material)) is not None]

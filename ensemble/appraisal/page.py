"""The page of an appraisal."""

from __future__ import annotations

from pathlib import Path

from ensemble.appraisal.appraisal import Appraisal
from ensemble.appraisal.evidence import Evidence
from ensemble.appraisal.notes import take_notes
from ensemble.appraisal.sections.classes import (
    calibration_section,
    threshold_section,
    weight_section,
)
from ensemble.appraisal.sections.cost import frontier_section, view_section
from ensemble.appraisal.sections.members import (
    agreement_section,
    loss_section,
    member_section,
)
from ensemble.appraisal.sections.review import review_section, trust_section
from ensemble.progress import Progress, silent
from ensemble.report.blocks import remarks
from ensemble.report.page import Page, Section, write_page


def write_appraisal(
    folder: Path, found: Appraisal, evidence: Evidence, *, progress: Progress = silent
) -> Path:
    """Write index.html and the tables into a folder; the path of the page.

    Images that are shown are read again. Raises OutputError if something cannot be written.
    """
    sections = (
        Section("notes", "What stands out", (remarks(take_notes(found, evidence)),)),
        member_section(found),
        loss_section(found),
        agreement_section(found),
        weight_section(found, evidence),
        threshold_section(found),
        calibration_section(found),
        view_section(found, evidence),
        frontier_section(found),
        trust_section(found),
        review_section(found, progress),
    )
    page = Page(
        title=" · ".join(found.names),
        lead=f"What each part of the ensemble is worth on {found.data.root.parent}.",
        facts=_facts(found, evidence),
        sections=tuple(section for section in sections if section is not None),
        kind="ensemble",
    )
    return write_page(folder, page)


def _facts(found: Appraisal, evidence: Evidence) -> tuple[tuple[str, str], ...]:
    facts = [(f"{found.dice.mean():.4f}", "mean Dice here")]
    if evidence.out_of_fold == evidence.out_of_fold:
        facts.append((f"{evidence.out_of_fold:.4f}", f"{evidence.metric} out of fold"))
    return (
        *facts,
        (f"{len(found.names)}", "members"),
        (f"{found.seconds.sum():.3g} s", "an image"),
        (f"{len(found.data.samples):,}", "images"),
        (f"{len(set(found.material.groups)):,}", "groups"),
        (f"{len(found.class_names)}", "classes"),
    )

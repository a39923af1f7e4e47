"""The page of a diagnosis."""

from __future__ import annotations

from pathlib import Path

from ensemble.diagnosis.diagnosis import Diagnosis
from ensemble.diagnosis.notes import take_notes
from ensemble.diagnosis.pictures import Colours
from ensemble.diagnosis.sections.cases import case_sections
from ensemble.diagnosis.sections.errors import confusion_section, overlap_section, verdict_section
from ensemble.diagnosis.sections.scores import (
    boundary_section,
    class_section,
    image_section,
    person_section,
)
from ensemble.progress import Progress, silent
from ensemble.report.blocks import remarks
from ensemble.report.page import Page, Section, write_page
from ensemble.report.pictures import ERROR_PALETTES, Palette


def write_diagnosis(
    folder: Path, found: Diagnosis, *, palette: Palette = "safe", progress: Progress = silent
) -> Path:
    """Write index.html and the tables into a folder; the path of the page.

    What is shown of images is read again. Raises OutputError if something cannot be written.
    """
    return write_page(folder, make_page(found, palette=palette, progress=progress))


def make_page(found: Diagnosis, *, palette: Palette = "safe", progress: Progress = silent) -> Page:
    """What stands out, the worst predictions as pictures, and the figures."""
    colours: Colours = ERROR_PALETTES[palette]
    sections = (
        Section("notes", "What stands out", (remarks(take_notes(found)),)),
        *case_sections(found, colours, progress),
        class_section(found),
        image_section(found),
        verdict_section(found, colours),
        confusion_section(found),
        overlap_section(found),
        boundary_section(found),
        person_section(found),
    )
    return Page(
        title=found.data.table.table.path.name,
        lead=f"Predictions against the labels of {found.data.labelled.root.parent}.",
        facts=_facts(found),
        sections=tuple(section for section in sections if section is not None),
        kind="errors",
    )


def _facts(found: Diagnosis) -> tuple[tuple[str, str], ...]:
    scores = found.scores
    interval = scores.mean_interval()
    facts = [(f"{scores.mean:.4f}", "mean Dice")]
    if interval is not None:
        facts.append((f"{interval.low[0]:.4f} to {interval.high[0]:.4f}", "95 % interval"))
    return (
        *facts,
        (f"{len(scores.image_names):,}", "images"),
        (f"{len(set(scores.groups)):,}", "groups"),
        (f"{len(scores.class_names):,}", "classes"),
    )

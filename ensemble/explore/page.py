"""The page of an exploration."""

from __future__ import annotations

from pathlib import Path

from ensemble.explore.exploration import Exploration
from ensemble.explore.notes import take_notes
from ensemble.explore.sections.classes import area_section, overlap_section, position_section
from ensemble.explore.sections.faults import copy_section, fault_section, outlier_section
from ensemble.explore.sections.images import image_section
from ensemble.explore.sections.people import person_section, side_section
from ensemble.explore.sections.shift import shift_section
from ensemble.progress import Progress, silent
from ensemble.report.blocks import paragraph, remarks
from ensemble.report.page import Page, Section, write_page
from ensemble.wording import counted


def write_exploration(folder: Path, found: Exploration, *, progress: Progress = silent) -> Path:
    """Write index.html and the tables into a folder; the path of the page.

    Images are read again where pictures of them are shown. Raises OutputError if something cannot
    be written.
    """
    return write_page(folder, make_page(found, progress=progress))


def make_page(found: Exploration, *, progress: Progress = silent) -> Page:
    """The sections that the data fill."""
    sections = [_notes_section(found), image_section(found)]
    if found.labels is not None:
        sections += [area_section(found, found.labels), position_section(found, found.labels)]
        overlaps = overlap_section(found, found.labels)
        sections += [overlaps] if overlaps is not None else []
        sections.append(outlier_section(found, found.labels, progress))
    sections += [fault_section(found), copy_section(found)]
    others = (side_section(found), person_section(found), shift_section(found))
    folder = found.survey.folder
    return Page(
        title=str(folder) if folder.name else folder.resolve().name,  # of "." its own name
        lead=_lead(found),
        facts=_facts(found),
        sections=(*sections, *(section for section in others if section is not None)),
    )


def _notes_section(found: Exploration) -> Section:
    notes = take_notes(found)
    blocks = remarks(notes) if notes else paragraph("Nothing stands out.")
    return Section("notes", "What stands out", (blocks,))


def _lead(found: Exploration) -> str:
    if found.labels is None:
        return "Images without labels: what they tell by themselves."
    classes = found.labels.counts.classes
    kind = "exclusive: every pixel has one" if classes.exclusive else "which may overlap"
    return f"Images and their labels, {counted(len(classes), 'class', 'classes')}, {kind}."


def _facts(found: Exploration) -> tuple[tuple[str, str], ...]:
    samples = found.survey.samples
    facts = [(len(samples), "images"), (len({sample.group for sample in samples}), "groups")]
    if found.labels is not None:
        facts += [
            (len(found.labels.counts.classes), "classes"),
            (int(found.labels.shapes.is_present.sum()), "masks"),
            (len(found.labels.odd_masks), "outlying masks"),
        ]
    facts.append((len(found.copies), "pairs of copies"))
    if found.against is not None:
        facts.append((len(found.against.survey.samples), "images to compare"))
    return tuple((f"{number:,}", words) for number, words in facts)

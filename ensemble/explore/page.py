"""The page of an exploration."""

from __future__ import annotations

from ensemble.explore.exploration import Exploration
from ensemble.explore.notes import take_notes
from ensemble.explore.sections.classes import area_section, overlap_section, position_section
from ensemble.explore.sections.faults import copy_section, fault_section, outlier_section
from ensemble.explore.sections.images import image_section
from ensemble.explore.sections.people import person_section, side_section
from ensemble.explore.sections.shift import shift_section
from ensemble.progress import Progress, silent
from ensemble.report.blocks import paragraph, remarks
from ensemble.report.page import Page, Section
from ensemble.wording import counted


def make_page(found: Exploration, *, progress: Progress = silent) -> Page:
    """The sections that the data fill; images are read again where pictures of them are shown."""
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
        facts=tuple((f"{n:,}", words) for words, n in count_findings(found).items()),
        sections=(*sections, *(section for section in others if section is not None)),
        kind="explore",
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


def count_findings(found: Exploration) -> dict[str, int]:
    """How many there are, by the words for what is counted."""
    samples = found.survey.samples
    counts = {"images": len(samples), "groups": len({sample.group for sample in samples})}
    if found.labels is not None:
        counts["classes"] = len(found.labels.counts.classes)
        counts["masks"] = int(found.labels.shapes.is_present.sum())
        counts["outlying masks"] = len(found.labels.odd_masks)
    counts["pairs of copies"] = len(found.copies)
    if found.against is not None:
        counts["images to compare"] = len(found.against.survey.samples)
    return counts

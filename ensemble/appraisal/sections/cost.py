"""What views and members cost, and what they gain."""

from __future__ import annotations

from ensemble.appraisal.appraisal import Appraisal
from ensemble.appraisal.evidence import Evidence
from ensemble.appraisal.frontier import Candidate, on_the_frontier
from ensemble.appraisal.tables import subset_table
from ensemble.report.blocks import figure, paragraph, table
from ensemble.report.charts import scatter
from ensemble.report.page import Section
from ensemble.report.svg import DICE, Scale
from ensemble.report.tables import Cell, Table


def frontier_section(found: Appraisal) -> Section:
    """Dice against seconds of ensembles of some of the members."""
    tuned = Candidate(
        "the ensemble as it is", float(found.dice.mean()), float(found.seconds[_used(found)].sum())
    )
    shown = [*found.subsets, tuned]
    best = [shown.index(each) for each in on_the_frontier(found.subsets)]
    content = subset_table(found)
    drawn = scatter(
        [each.seconds for each in shown],
        [each.score for each in shown],
        [each.name for each in shown],
        axes=(Scale("s an image", holds=(0.0,)), DICE),
        size=(760, 320),
        joined=best,
    )
    text = (
        "Members of an ensemble weigh the same here, threshold .5, so that nothing is fitted but "
        "which of them take part. Seconds are those of soft maps, views and all, as measured when "
        "they were computed. The line: none is both faster and better."
    )
    return Section(
        "frontier",
        "Dice and time",
        (paragraph(text), figure(drawn, "Ensembles of some of the members."),
         table(content, "Ensembles, the best first.")),
        (content,),
    )  # fmt: skip


def view_section(found: Appraisal, evidence: Evidence) -> Section:
    """What views gain and cost, as far as others than the ensemble's own were tried."""
    content = _view_table(found)
    blocks, tables = [], []
    if found.view_scores:
        caption = "The ensemble with the same weights and thresholds, without filters."
        blocks.append(table(content, caption))
        tables.append(content)
    if len(tried := evidence.variants()) > 1:
        header = ("views", "space", "Dice", "gain over the first", "s an image")
        formats = {"Dice": ".4f", "gain over the first": "+.4f"}
        stated = Table("variants", header, tuple(tried), formats)
        blocks.append(table(stated, "What tuning tried, all members weighing the same."))
        tables.append(stated)
    if not blocks:
        own = found.weights.views or "identity"
        blocks.append(
            paragraph(
                f"Nothing is known of other views than the ensemble's own, {own}: the option --tta "
                "scores others beside it (--tta identity --tta hflip --tta scale=0.75:1:1.25)."
            )
        )
    return Section("views", "Views", tuple(blocks), tuple(tables))


def _view_table(found: Appraisal) -> Table:
    own = found.scores.together.mean()
    rows: list[tuple[Cell, ...]] = [
        (found.weights.views or "identity", float(own), 0.0, float(found.seconds.sum()))
    ]
    for each in found.view_scores:
        score = float(each.scores.mean())
        rows.append((each.views or "identity", score, score - float(own), each.seconds))
    header = ("views", "Dice", "gain", "s an image")
    return Table("views", header, tuple(rows), {"Dice": ".4f", "gain": "+.4f"})


def _used(found: Appraisal) -> list[int]:
    return [m for m in range(len(found.names)) if found.rules.weights[:, m].any()]

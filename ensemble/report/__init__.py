"""Pages for people: one self-contained HTML file, and its tables as CSV files beside it.

    from ensemble.report.blocks import Card, figure, gallery, heat_table, paragraph, table
    from ensemble.report.charts import box_plot
    from ensemble.report.page import Page, Section, write_page
    from ensemble.report.tables import Table

    areas = Table("classes", ("class", "median px"), (("Radius", 75210), ("Pisiform", 4123)))
    section = Section(
        slug="areas",
        title="Areas",
        blocks=(
            paragraph("Areas at full size."),
            figure(box_plot({"Radius": values, ...}, unit="px"), "Areas over 36 images."),
            table(areas, "Median areas."),
        ),
        tables=(areas,),
    )
    page = Page("Hands", lead="A set.", facts=(("36", "images"),), sections=(section,))
    write_page(Path("explored"), page)     # explored/index.html, explored/classes.csv

Blocks and charts are pure: they take text and arrays and return markup in which all text is
escaped. Rows, cards, marks of charts, and rows and columns of heat tables are found by the page's
search field: a name that is typed whole means it alone, words in double quotes are one name.
"""

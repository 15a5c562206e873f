"""The table of a page's runs, as HTML and as CSV."""

import csv
import io
from dataclasses import replace

from charplay.ui.run_record import RunRecord
from charplay.ui.train.run_table import as_csv, table

RUN = RunRecord("yours 1", "pasted", "GRU 1 x 48", 28_579, 20, 7, 0.004, 1, "accuracy", 8 / 9, 1 / 3, 9, 11.2, "done")


def test_the_last_run_stands_first_with_its_result_beside_the_baseline():
    html = table([RUN, replace(RUN, model="yours 2", measure="bits per character", result=0.357, baseline=3.971)])
    assert html.index("yours 2") < html.index("yours 1")
    assert "<td>8 of 9 rows</td><td>3 of 9 rows (" in html  # of few rows a count
    assert "<td>0.357 bits</td><td>3.971 bits (" in html
    assert "<td>88.9 %</td><td>33.3 % (" in table([replace(RUN, held_out=900)])
    assert table([]) == ""


def test_markup_in_the_name_of_a_file_is_shown_as_text():
    assert "&lt;img src=x&gt;" in table([replace(RUN, data="<img src=x>")])


def test_the_csv_holds_every_field_and_no_formula():
    [row] = csv.DictReader(io.StringIO(as_csv([replace(RUN, data='=HYPERLINK("a,b")')])))
    assert row["data"] == '\'=HYPERLINK("a,b")'
    assert float(row["result"]) == RUN.result
    assert list(row) == list(RunRecord.__dataclass_fields__)

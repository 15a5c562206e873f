import re

import numpy as np
import pytest

from charplay.data.batches import compare
from charplay.interpret import packing
from charplay.ui import controls
from charplay.ui.batches.plots import BatchFigures

NAMES = ["san", "adylov", "san", "hard", "adylov"]


def figures_of(checkpoint, sort, cells):
    comparison, values = compare(NAMES, sort), None
    if cells != controls.CHARACTERS:
        values = packing.cell_values(checkpoint, comparison.names, unit=3, hidden=cells == controls.HIDDEN)
    return comparison.names, BatchFigures(comparison, cells, values)


@pytest.mark.parametrize("sort", [True, False])
def test_the_same_name_has_the_same_colour_in_every_row_order_and_plot(classifier, sort):
    names, figures = figures_of(classifier, sort, controls.CHARACTERS)
    colours = {}
    for figure, rows in ((figures.padded(), names), (figures.packed(), [names[row] for row in figures.packed_order])):
        for name, row in zip(rows, np.array(figure.data[0].z), strict=True):
            colours.setdefault(name, set()).update(row[~np.isnan(row)].tolist())
    assert colours == {"san": {0.0}, "adylov": {1.0}, "hard": {3.0}}


def test_the_flat_strip_holds_what_the_packed_plot_shows(classifier):
    _, figures = figures_of(classifier, True, controls.HIDDEN)
    packed = figures.packed_values[figures.packed_cells]
    [trace] = figures.strip().data
    strip = np.array(trace.z).flatten()[: len(packed)]
    np.testing.assert_allclose(strip, packed, rtol=1e-6)
    assert (figures.packed_values[figures.is_pad] == 0).all()
    assert (figures.padded_values[figures.is_pad] != 0).any()


@pytest.mark.parametrize("cells", controls.CELLS.choices)
@pytest.mark.parametrize("sort", [True, False])
def test_the_first_marks_of_each_plot_are_those_of_its_time_steps(classifier, sort, cells):
    _, figures = figures_of(classifier, sort, cells)
    steps = len(figures.batch_sizes)
    padded, packed, strip = (
        [areas(shape) for shape in figure.layout.shapes]
        for figure in (figures.padded(), figures.packed(), figures.strip())
    )
    assert padded[:steps] == [[(step, step + 1, 0, len(NAMES))] for step in range(steps)][::-1]
    assert packed[:steps] == [[(step, step + 1, 0, size)] for step, size in enumerate(figures.batch_sizes)][::-1]
    sizes = [sum((right - left) * (bottom - top) for left, right, top, bottom in parts) for parts in strip]
    assert sizes == figures.batch_sizes[::-1]
    frames = int(figures.is_pad.sum()) if cells == controls.HIDDEN else 0
    assert [len(marks) - steps for marks in (padded, packed, strip)] == [frames, frames, 0]


def areas(shape) -> list[tuple[float, ...]]:
    """The rectangles of a mark, (left, right, top, bottom) in cells; a frame of a pad has none."""
    corners = re.findall("M (.+?),(.+?) L .+? L (.+?),(.+?) L", shape.path or "")
    return [tuple(float(edge) + 0.5 for edge in (left, right, top, bottom)) for left, top, right, bottom in corners]

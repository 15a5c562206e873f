import re

import numpy as np
import pytest

from charplay.data.batches import compare
from charplay.interpret import packing
from charplay.ui import controls
from charplay.ui.batches.plots import BatchFigures

NAMES = ["san", "adylov", "san", "hard", "adylov"]


def pictures(checkpoint, sort, cells):
    comparison, values = compare(NAMES, sort), None
    if cells != controls.CHARACTERS:
        values = packing.cell_values(checkpoint, comparison.names, unit=3, hidden=cells == controls.HIDDEN)
    return comparison.names, BatchFigures(comparison, cells, values)


@pytest.mark.parametrize("sort", [True, False])
def test_the_same_name_has_the_same_colour_in_every_row_order_and_picture(classifier, sort):
    names, made = pictures(classifier, sort, controls.CHARACTERS)
    colours = {}
    for figure, rows in ((made.padded(), names), (made.packed(), [names[row] for row in made.packed_order])):
        for name, row in zip(rows, np.array(figure.data[0].z), strict=True):
            colours.setdefault(name, set()).update(row[~np.isnan(row)].tolist())
    assert colours == {"san": {0.0}, "adylov": {1.0}, "hard": {3.0}}


def test_the_flat_strip_holds_what_the_packed_picture_shows(classifier):
    _, made = pictures(classifier, True, controls.HIDDEN)
    packed = made.packed_values[made.cells_in_order]
    drawn = [np.array(trace.z) for trace in made.strip().data]
    strip = np.where(np.isnan(drawn[0]), drawn[1], drawn[0]).flatten()[: len(packed)]
    np.testing.assert_allclose(strip, packed, rtol=1e-6)
    assert (made.packed_values[made.is_pad] == 0).all()
    assert (made.padded_values[made.is_pad] != 0).any()


@pytest.mark.parametrize("cells", controls.CELLS.choices)
@pytest.mark.parametrize("sort", [True, False])
def test_the_first_marks_of_each_picture_are_those_of_its_steps_of_time(classifier, sort, cells):
    _, made = pictures(classifier, sort, cells)
    steps = len(made.batch_sizes)
    padded, packed, strip = (
        [areas(shape) for shape in figure.layout.shapes] for figure in (made.padded(), made.packed(), made.strip())
    )
    assert padded[:steps] == [[(step, step + 1, 0, len(NAMES))] for step in range(steps)][::-1]
    assert packed[:steps] == [[(step, step + 1, 0, size)] for step, size in enumerate(made.batch_sizes)][::-1]
    sizes = [sum((right - left) * (bottom - top) for left, right, top, bottom in parts) for parts in strip]
    assert sizes == made.batch_sizes[::-1]
    frames = int(made.is_pad.sum()) if cells == controls.HIDDEN else 0
    assert [len(drawn) - steps for drawn in (padded, packed, strip)] == [frames, frames, 0]


def areas(shape) -> list[tuple[float, ...]]:
    """The rectangles of a mark, (left, right, top, bottom) in cells; a frame of a pad has none."""
    corners = re.findall("M (.+?),(.+?) L .+? L (.+?),(.+?) L", shape.path or "")
    return [tuple(float(edge) + 0.5 for edge in (left, right, top, bottom)) for left, top, right, bottom in corners]

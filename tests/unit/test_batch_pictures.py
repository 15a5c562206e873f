import numpy as np
import pytest

from charplay import packing
from charplay.batches import compare
from charplay.ui import state
from charplay.ui.batch_pictures import Pictures

NAMES = ["san", "adylov", "san", "hard", "adylov"]


def pictures(checkpoint, sort, cells):
    comparison = compare(NAMES, sort)
    names = [NAMES[index] for index in comparison.order]
    return names, Pictures(names, comparison, packing.states(checkpoint.model, comparison), cells, unit=3)


@pytest.mark.parametrize("sort", [True, False])
def test_the_same_name_has_the_same_colour_in_every_row_order_and_picture(classifier, sort):
    names, made = pictures(classifier, sort, state.CHARACTERS)
    colours = {}
    for figure, rows in ((made.padded(), names), (made.packed(), [names[row] for row in made.packed_order])):
        for name, row in zip(rows, np.array(figure.data[0].z), strict=True):
            colours.setdefault(name, set()).update(row[~np.isnan(row)].tolist())
    assert colours == {"san": {0.0}, "adylov": {1.0}, "hard": {3.0}}


def test_the_flat_strip_holds_what_the_packed_picture_shows(classifier):
    _, made = pictures(classifier, True, state.HIDDEN)
    packed = made.packed_values[made.cells_in_order]
    drawn = [np.array(trace.z) for trace in made.strip().data]
    strip = np.where(np.isnan(drawn[0]), drawn[1], drawn[0]).flatten()[: len(packed)]
    np.testing.assert_allclose(strip, packed, rtol=1e-6)
    assert (made.packed_values[made.is_pad] == 0).all()
    assert (made.padded_values[made.is_pad] != 0).any()

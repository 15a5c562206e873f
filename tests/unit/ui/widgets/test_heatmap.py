import itertools
import re

import numpy as np

from charplay.ui import theme
from charplay.ui.widgets import heatmap
from tests.unit.ui.widgets.test_figures import contrast


def test_text_has_enough_contrast_everywhere_on_the_scale():
    values = np.linspace(0, 1, 401)[None]
    empty = [[""] * 401]
    styles = re.findall(
        r'background:(#\w{6});color:(#\w{6})"', heatmap.table(["A"], ["x"] * 401, values, values, empty, empty)
    )
    assert len(styles) == 401
    assert min(contrast(ground, ink) for ground, ink in styles) >= 4.5
    assert {ink for _, ink in styles} == {theme.INK, theme.PAPER}


def prefixes_of(name):
    return list(itertools.accumulate(name))


def test_the_prefix_heatmap_has_a_column_for_each_letter_even_where_letters_repeat():
    shares = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    table = heatmap.prefix_heatmap(["A", "<i>"], prefixes_of("anna b"), np.stack([shares, 1 - shares]))
    assert re.findall(r'<th scope="col">(.*?)</th>', table) == ["a", "n", "n", "a", "␣", "b"]
    assert re.findall(r'<th scope="row">(.*?)</th>', table) == ["A", "&lt;i&gt;"]
    assert re.findall(r">(\d*)</td>", table)[:6] == ["90", "80", "70", "60", "50", "40"]
    assert 'aria-label="&lt;i&gt; after “ann”: 30.0 %"' in table


def test_a_long_name_shows_its_numbers_only_when_pointed_at():
    shares = np.full((1, 64), 0.5)
    table = heatmap.prefix_heatmap(["A"], prefixes_of("x" * 64), shares)
    assert re.findall(r">([^<]*)</td>", table) == [""] * 64
    assert table.count("50.0 %") == 64


def test_markup_in_a_name_stays_text():
    table = heatmap.prefix_heatmap(["A"], prefixes_of('<b>"'), np.full((1, 4), 0.5))
    assert "<b>" not in table
    assert "after “&lt;b&gt;&quot;”" in table


def test_logits_and_probabilities_have_a_scale_each():
    table = heatmap.logit_heatmap(["A", "B"], ["1", "mean"], np.array([[-2.0, 0.0], [2.0, -0.01]]), [0.25, 0.75])
    assert re.findall(r">([^<]*)</td>", table) == ["−2.0", "0.0", "25.0", "2.0", "0.0", "75.0"]
    assert 'aria-label="B, mean: −0.010"' in table
    assert 'aria-label="B, p: 75.00 %"' in table

"""The examples to click are links that the page can open."""

import re
from html import unescape

import pytest

from charplay.ui import examples, links


@pytest.mark.parametrize("tab", links.TABS)
def test_each_example_is_a_link_to_controls_of_its_own_tab(tab):
    hrefs = re.findall(r'href="#([^"]*)"', examples.examples_html(tab))
    assert len(hrefs) == len(examples.EXAMPLES[tab]) > 0
    for href, example in zip(hrefs, examples.EXAMPLES[tab], strict=True):
        link = links.parse(unescape(href))
        assert link.tabs == {tab}
        assert not link.ignored
        assert link.values == {control.name: value for control, value in example.values.items()}

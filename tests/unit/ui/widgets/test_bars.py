import re

from charplay.ui.widgets.bars import bars


def test_bars_keep_their_order_and_name_the_winner():
    drawn = bars(["A", "B", "C"], [0.2, 0.7, 0.1])
    assert re.findall(r'<tr class="(\w*)"><th scope="row">(\w)', drawn) == [("", "A"), ("winner", "B"), ("", "C")]
    assert re.findall(r'style="width: ([\d.]+)%"', drawn) == ["20.00", "70.00", "10.00"]
    assert re.findall(r'class="share">(.*?)<', drawn) == ["20.0 %", "70.0 %", "10.0 %"]


def test_without_probabilities_there_are_labels_and_no_bars():
    drawn = bars(["A", "B"], None)
    assert re.findall(r'<th scope="row">(\w)', drawn) == ["A", "B"]
    assert "share" not in drawn.replace("shares", "")
    assert "winner" not in drawn


def test_markup_in_a_label_stays_text():
    drawn = bars(['<b id="x">', "'&"], [0.5, 0.5])
    assert "<b id" not in drawn
    assert 'data-label="&lt;b id=&quot;x&quot;&gt;: 50.00 %"' in drawn

"""Links that carry a set-up of the page: round trip for every control, bad values, hostile text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charplay import limits
from charplay.ui import controls, links
from charplay.ui.control import Control

CARRIED = [control for control in links.CONTROLS.values() if control.in_link]
# Of the controls that offer what only a page knows: its models.
MODELS = {
    control.name: ("names", "speech-gru") for control in CARRIED if control.default is None and control.limit is None
}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
HOSTILE = [
    None, 7, ["tab=names"], {"tab": 1}, "", "#", "=", "&&&", "a" * 100_000, "&".join(["a=1"] * 300), "\ud800=\ud800",
    "name=\ud800", "%ff=%ff", "name=%00%0a", "open=,,,", "hide=<b>", "temperature=NaN", "temperature=1e99",
    "seed=1.5", "length=" + "9" * 400, "tab=<script>", "prior=all%20equal", "merge-case=true", "model=../x",
    "pasted-data=x", "user-model=1", "unit=٣", "unit= 3", "unit=0x10", "unit=1_0",
]  # fmt: skip


def values_of(control: Control) -> st.SearchStrategy:
    """Valid values of a control."""
    if isinstance(control.default, bool):
        return st.booleans()
    if control.name in MODELS:
        return st.sampled_from(MODELS[control.name])
    options = []
    if control.choices:
        options.append(st.sampled_from(control.choices))
    if control.limit is not None:
        low, high = control.limit.low, control.limit.high
        options.append(
            st.integers(low, high) if control.limit.whole else st.floats(low, high).map(lambda number: round(number, 9))
        )
    if control.takes_text:
        options.append(TEXTS.map(lambda text: text[: control.max_characters]))
    if not options and control.check is controls.read_seed:
        options.append(st.one_of(st.just(""), st.integers(0, limits.SEED.high).map(str)))
    if not options:
        options.append(TEXTS.map(lambda text: text[: control.max_characters]))
    return st.one_of(options)


@given(st.data())
def test_every_control_survives_the_round_trip(data):
    drawn = data.draw(st.sets(st.sampled_from(CARRIED), max_size=6), "controls")
    values = {control.name: data.draw(values_of(control), control.name) for control in drawn}
    opened = data.draw(st.lists(st.sampled_from(list(links.ACCORDIONS)), unique=True, max_size=3))
    tab = data.draw(st.sampled_from(links.TABS))
    text = links.format_link(tab, values, opened)
    link = links.parse(text, MODELS)
    assert (link.tab, link.values, link.open, link.ignored) == (tab, values, tuple(opened), ())
    for control in drawn:
        if control.name not in MODELS:
            assert links.linked(f"3#{text}", control) == values[control.name]


def test_the_table_has_every_control_once_and_every_name_means_one_thing():
    defined = []
    for value in vars(controls).values():
        defined += [each for each in (value if isinstance(value, tuple) else (value,)) if isinstance(each, Control)]
    in_table = [control for of_tab in controls.BY_TAB.values() for control in of_tab]
    assert sorted(control.name for control in in_table) == sorted({control.name for control in defined})
    assert len(set(links.PARTS)) == len(links.PARTS)
    assert set(controls.ACCORDIONS) == set(controls.BY_TAB)
    reserved = {"tab", "open", "hide", "only", *links.SWITCHES}
    assert not reserved & set(links.PARTS)
    for control in in_table:
        assert len(links.tokens(control, control.choices)) == len(control.choices)


def test_the_issues_own_example_is_read():
    link = links.parse("#tab=names&name=Costa&prior=uniform&open=prefixes,attribution")
    assert link == ("names", {"name": "Costa", "prior": controls.ALL_EQUAL}, ("prefixes", "attribution"), ())
    assert link.tabs == {"names"}


@pytest.mark.parametrize(
    "text",
    [
        "temperature=3", "temperature=-1", "temperature=warm", "temperature=NaN", "temperature=inf", "temperature=",
        "prior=mine", "length=2.5", "length=10001", "seed=lucky", "merge-case=yes", "name=" + "x" * 65, "colour=red",
        "tab=home", "open=nothing", "hide=nothing", "present=yes", "pasted-data=a,b", "model=names-other",
        "user-model=x", "unit=%D9%A3",
    ],
)  # fmt: skip
def test_a_bad_or_unknown_value_is_left_out_and_named_and_the_others_hold(text):
    link = links.parse(f"{text}&target=ja", MODELS)
    assert link.values == {"target": "ja"}
    assert len(link.ignored) == 1
    assert text.partition("=")[0] in links.ignored_sentence(link.ignored)


@given(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=200), st.binary(max_size=80).map(lambda b: f"name={b}")))
def test_no_text_breaks_the_reading_and_what_is_read_is_within_the_bounds(text):
    link = links.parse(text, MODELS)
    json.dumps([link.values, link.ignored]).encode()
    links.ignored_sentence(link.ignored).encode()
    for name, value in link.values.items():
        control = links.CONTROLS[name]
        assert control.in_link
        if isinstance(value, str) and not control.choices:
            assert len(value) <= control.max_characters
        elif isinstance(value, int | float) and not isinstance(value, bool):
            assert control.limit.low <= value <= control.limit.high
    assert len(links.ignored_sentence(link.ignored)) < 3_000


def test_the_last_value_of_a_name_counts_and_plus_is_a_space():
    assert links.parse("name=A&name=Mc+Kay%2B").values == {"name": "Mc Kay+"}

import pytest

from charplay import limits


@pytest.mark.parametrize("value", [-0.1, 2.01, 1e9, float("nan"), float("inf"), "0.8", [0.8], None, True, 10**400])
def test_a_temperature_out_of_bounds_is_refused_with_the_bounds_named(value):
    with pytest.raises(ValueError, match=r"temperature must be a number from 0.0 to 2.0"):
        limits.TEMPERATURE.check(value)


@pytest.mark.parametrize("value", [0, -1, 1_000_000, 1.5, float("nan"), "200", [200], True, None])
def test_a_length_out_of_bounds_is_refused_with_the_bounds_named(value):
    with pytest.raises(ValueError, match="length must be a whole number from 1 to 10,000"):
        limits.LENGTH.check(value)


def test_a_field_is_named_in_words():
    with pytest.raises(ValueError, match="hidden size must be"):
        limits.Limit("hidden_size", 4, 512).check(3.5)


@pytest.mark.parametrize(("limit", "value"), [(limits.TEMPERATURE, 0), (limits.TEMPERATURE, 2), (limits.LENGTH, 200.0)])
def test_what_lies_within_is_taken_also_from_a_language_with_one_kind_of_number(limit, value):
    checked = limit.check(value)
    assert checked == value
    assert type(checked) is (int if limit.whole else float)

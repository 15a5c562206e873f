"""Results of a training and of its baseline in words; of few rows as a count, with how little that means."""

import math

from charplay.ui import html

MIN_ROWS_FOR_PERCENT = 50  # of fewer held-out rows a percentage would promise more than they can say
NORMAL_95 = 1.96  # standard deviations on either side of a 95 % interval
BASELINES = {"names": "most common class", "speech": "unigram", "invent": "n-gram"}  # task -> the baseline's usual name

# Task -> what its result is.
MEASURES = {"names": "accuracy", "speech": "bits per character", "invent": "bits per character given the class"}


def duration(seconds: float) -> str:
    """A duration in the unit that suits it."""
    if seconds < 100:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 6_000 else f"{seconds / 3600:.1f} hours"


def score(task: str, value: float | None, held_out: int) -> str:
    """A result in the measure of its task.

    Args:
        task: "names", "speech" or "invent".
        value: accuracy, or bits per character; None if there is none.
        held_out: the rows that an accuracy was measured on.
    """
    if value is None:
        return html.DASH
    if task != "names":
        return f"{value:.2f} bits per character"
    if held_out < MIN_ROWS_FOR_PERCENT:
        return f"{round(value * held_out)} of {held_out} held-out rows"
    return f"{html.percent(value)} of {held_out:,} held-out rows"


def caution(task: str, value: float | None, held_out: int) -> str:
    """How little an accuracy on few rows means; empty where there are enough."""
    if task != "names" or value is None or held_out >= MIN_ROWS_FOR_PERCENT:
        return ""
    low, high = interval(value, held_out)
    return (
        f"{held_out} rows say little: on new ones it may be right anywhere between {html.percent(low, 0)} and "
        f"{html.percent(high, 0)} of the time."
    )


def interval(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share of `count` trials (Wilson 1927)."""
    spread = NORMAL_95**2 / count
    middle = (share + spread / 2) / (1 + spread)
    half = NORMAL_95 / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return max(middle - half, 0.0), min(middle + half, 1.0)

"""What can be saved of each tab: every plot and every table, in one table. Imports no gradio.

`exports.js` puts a button at each, which saves it as PNG, SVG or CSV, in the browser and offline.
"""

import json
from dataclasses import asdict, dataclass

from charplay.models.networks import CELLS
from charplay.ui import controls
from charplay.ui.assets import read_asset

# Corners of a block; BELOW makes room under it.
TOP_RIGHT, TOP_LEFT, BOTTOM_RIGHT, BOTTOM_LEFT = "top-right", "top-left", "bottom-right", "bottom-left"
BELOW = "below"
IMAGE_AND_TABLE, TEXT = ("png", "svg", "csv"), ("json", "txt")
_SCRIPTS = ("render_svg.js", "rows.js", "exports.js", "saved_page.js")


@dataclass(frozen=True)
class Export:
    """One plot, drawing, table or text."""

    element: str  # id of the component that shows it
    name: str  # for a screen reader, and in the file's name
    corner: str = TOP_RIGHT  # of the block with the button: free of data, or a sentence that leaves room
    place: str = ""  # id of the block with the button, where that is another one
    formats: tuple[str, ...] = IMAGE_AND_TABLE


BY_TAB: dict[str, tuple[Export, ...]] = {
    "names": (
        Export("seen", "network"),
        Export("bars", "probabilities", BOTTOM_RIGHT),
        Export("prefixes", "prefix probabilities"),
        Export("left-out", "leave-one-out changes", TOP_LEFT),
        Export("gradients", "gradient norms", TOP_LEFT),
        Export("activations", "activations", TOP_LEFT),
        Export("scores", "logits and softmax"),
        *(Export(f"prefixes-{cell}", f"prefix probabilities of the {cell.upper()}") for cell in CELLS),
        Export("names-table", "results of the classifiers", BELOW),
        Export("recall", "recall", BOTTOM_LEFT),
        Export("reliability", "reliability", BOTTOM_LEFT),
        Export("confusion", "confusion matrix", TOP_LEFT),
    ),
    "invent": (
        Export("invented", "invented names", place="invent-stats", formats=("csv",)),
        Export("writing", "network that wrote a name"),
    ),
    "speech": (
        Export("stats", "generated text", formats=TEXT),
        Export("temperatures", "texts at three temperatures", place="compared-stats", formats=("json",)),
        Export("beams", "texts of beam search", place="beam-sampled", formats=("json",)),
        Export("steering", "texts with and without the held unit", place="steering-status", formats=("json",)),
        Export("next-candidates", "likeliest characters of this step"),
        Export("next-characters", "likeliest next characters"),
        Export("surprisal-text", "surprisal", BOTTOM_RIGHT),
        Export("most-surprising", "most surprising characters", BELOW),
        Export("candidates", "likeliest characters"),
        Export("neuron-text", "activation of one unit", BOTTOM_RIGHT),
        Export("influence-text", "influence of earlier characters", BOTTOM_RIGHT),
        *(Export(f"influence-{cell}", f"influence in the {cell.upper()}", BOTTOM_RIGHT) for cell in CELLS),
        Export("dynamic-curves", "bits per character of two readings", BOTTOM_LEFT),
        Export("speech-table", "results of the language models", BELOW),
        Export("bits", "bits per character", BOTTOM_LEFT),
    ),
    "batches": (
        Export("step-counts", "updates so far"),
        Export("padded", "padded batch", place="padded-caption"),
        Export("packed", "packed batch", place="packed-caption"),
        Export("strip", "packed data", place="strip-caption"),
        Export("unmasked", "answers with the pads read"),
    ),
    "teacher-forcing": (
        Export("curves", "curves"),
        Export("first-decoder", "first decoder"),
        Export("second-decoder", "second decoder"),
    ),
    "train": (
        Export("losses", "losses", BOTTOM_LEFT),
        Export("user-confusion", "confusion matrix", TOP_LEFT),
        Export("runs", "runs", BELOW),
        Export("lengths", "lengths", BOTTOM_LEFT),
    ),
}
# Tab -> the control whose value is in the names of its files.
NAMED_BY = {
    "names": controls.NAME,
    "invent": controls.INVENT_COUNTRY,
    "speech": controls.PRIME,
    "batches": controls.NAMES,
    "teacher-forcing": controls.TARGET,
    "train": controls.DATA_KIND,
}


def script() -> str:
    """The JavaScript that puts the buttons into the page."""
    entries = [
        {"tab": tab, **asdict(export), "place": export.place or export.element}
        for tab, exports in BY_TAB.items()
        for export in exports
    ]
    table = {"entries": entries, "namedBy": {tab: control.name for tab, control in NAMED_BY.items()}}
    return f"const exportTable = {json.dumps(table)};\n{''.join(read_asset(__file__, name) for name in _SCRIPTS)}"

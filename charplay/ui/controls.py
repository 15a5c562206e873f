"""Every control of every tab in one typed table: its name, label, default and limit. Imports no gradio.

To add one, add a `Control` here and to `BY_TAB`, and show it in its tab by `gr.Slider(**controls.X.arguments())`: a
link then carries it (`ui.links`).
"""

from contextlib import suppress

from charplay import limits
from charplay.data.datasets import COUNTRIES
from charplay.data.text import unescape
from charplay.data.user_data.decoding import ENCODINGS
from charplay.ui.control import Control

AT_THE_LENGTH, AT_THE_LINE_END = "the length", "the end of a line"


def read_seed(typed: object) -> int | None:
    """The seed in its text field, a number as `/generate` takes it: None where it is empty.

    Raises:
        ValueError: it is no whole number within the bounds.
    """
    text = limits.check_text("seed", typed, limits.MAX_NAME_CHARACTERS).strip()
    if not text:
        return None
    for kind in (int, float):
        with suppress(ValueError):
            return limits.SEED.check(kind(text))
    return limits.SEED.check(typed)  # raises, naming the bounds


def read_stop_mark(chosen: object) -> str:
    """The stop mark of a value of `STOP_AT`; empty: only the length ends a text."""
    typed = limits.check_text("stop mark", chosen or "", limits.MAX_STOP_MARK_CHARACTERS)
    return {AT_THE_LENGTH: "", AT_THE_LINE_END: "\n"}.get(typed, unescape(typed))


CELL_KINDS = ("rnn", "gru", "lstm")
CELL_LABELS = tuple(cell.upper() for cell in CELL_KINDS)

NAME = Control("name", "Surname", "Costa", placeholder="Type a surname, such as Costa")

MODEL = Control("model", "Model", None)  # the choices are the registry's models
AS_IN_THE_DATA, ALL_EQUAL = "as in the training data", "all equal"
PRIOR = Control("prior", "Prior", AS_IN_THE_DATA, choices=(AS_IN_THE_DATA, ALL_EQUAL), link_choices=limits.PRIORS)
LIKELIEST = "the likeliest"
COUNTRY = Control("country", "Attribution for", LIKELIEST, choices=(LIKELIEST,))  # and the model's classes
PRIORS = {AS_IN_THE_DATA: "data", ALL_EQUAL: "uniform"}  # choice of PRIOR -> one of `limits.PRIORS`

# Of the Invent tab.
NOTHING = " nothing"  # with a space: a user model may have a class "nothing"
INVENT_MODEL = Control("invent-model", "Model", None, in_link=False)  # shown once the page has one of its own
INVENT_COUNTRY = Control(
    "invent-country", "Country", "Italian", choices=COUNTRIES
)  # or a class of the page's own model
MIXED_WITH = Control(
    "mixed-with", "Mixed with", NOTHING, choices=(NOTHING, *COUNTRIES), choice_labels=("nothing", *COUNTRIES)
)
MIXED_SHARE = Control("mixed-share", "Share of the second country", 0.5, limits.MIXED_SHARE, 0.05)
INVENT_TEMPERATURE = Control("invent-temperature", "Temperature", 0.8, limits.TEMPERATURE, 0.05)
INVENT_COUNT = Control("invent-count", "How many", 20, limits.INVENTED, 1)
INVENT_SEED = Control("invent-seed", "Seed", "", placeholder="new each time", check=read_seed)

_PRIME = "My fellow Americans, "
PRIME = Control(
    "prime",
    "Opening words (prime)",
    _PRIME,
    placeholder="Write the first words of a speech",
    max_characters=limits.MAX_PRIME_CHARACTERS,
)
PRIME_LENGTH = Control("prime-length", "Read the last N characters", len(_PRIME), limits.PRIME_LENGTH, 1)
# Where the default model reads best: lower, sentences come again, higher, words are made up (see the model card).
TEMPERATURE = Control("temperature", "Temperature", 0.7, limits.TEMPERATURE, 0.05)
LENGTH = Control("length", "Length", 300, limits.LENGTH, 1)
TEMPERATURES = tuple(
    Control(f"temperature-{number}", f"{name} temperature", temperature, limits.TEMPERATURE, 0.05)
    for number, (name, temperature) in enumerate((("First", 0.2), ("Second", TEMPERATURE.default), ("Third", 1.4)), 1)
)  # of the texts side by side
STEP_SPEED = Control("step-speed", "Characters/s", 3, limits.STEP_SPEED, 1)
SEED = Control("seed", "Seed", "", placeholder="new each time", check=read_seed)
TOP_K = Control("top-k", "Top-k", 0, limits.TOP_K, info="0: all")
# A text may be typed in place of a choice: the generation ends where the model writes it.
STOP_AT = Control(
    "stop-at",
    "Stop at",
    AT_THE_LENGTH,
    choices=(AT_THE_LENGTH, AT_THE_LINE_END),
    info="or type a text",
    max_characters=limits.MAX_STOP_MARK_CHARACTERS,
    check=read_stop_mark,
    takes_text=True,
)
SPEECH_MODEL = Control("speech-model", "Model", None)
EXAMPLE_SEED = 7  # of the initial text on the Speech tab

SORTED, AS_TYPED = "sorted by length", "as typed"
CHARACTERS, EMBEDDING, HIDDEN = "characters", "embedding", "hidden state"
NAMES = Control(
    "names",
    f"Names, one a line ({int(limits.NAMES.low)} to {int(limits.NAMES.high)})",
    "adylov\nsolan\nhard\nsan",
    placeholder="One name a line",
    max_characters=int(limits.NAMES.high) * (limits.MAX_NAME_CHARACTERS + 1),
)
ORDER = Control("order", "Rows", SORTED, choices=(SORTED, AS_TYPED))
CELLS = Control("cells", "Cells show", CHARACTERS, choices=(CHARACTERS, EMBEDDING, HIDDEN))
BATCH_MODEL = Control("batch-model", "Model", None)  # shown once the page has a classifier of its own
UNIT = Control("unit", "Which number of each vector", 0, limits.UNIT, 1)
STEP = Control("step", "Step of time", 0, limits.STEP, 1)


GENERATED_TEXT, USER_TEXT_CHOICE = "the text above", "a text of my own"
LOOK_INSIDE = Control("which", "Look inside", GENERATED_TEXT, choices=(GENERATED_TEXT, USER_TEXT_CHOICE))
USER_TEXT = Control(
    "user-text",
    f"Text to read, up to {limits.MAX_DOCUMENT_CHARACTERS:,} characters",
    "",
    placeholder="Paste any text",
    max_characters=limits.MAX_DOCUMENT_CHARACTERS,
)
# The choices: the units found.
FOUND_UNITS = Control("found", "Units that track something on this text", None, in_link=False)
LAYER = Control("layer", "Layer", 1, limits.LAYER, 1)
NEURON = Control("neuron", "Unit", 0, limits.UNIT, 1)
HELD_UNITS = Control("held-units", "Units worth holding: the text then has more…", None, in_link=False)
HELD_VALUE = Control("held-at", "Hold the unit at", 4.0, limits.HELD_VALUE, 0.5)

CHOSEN_SURPRISAL = Control("surprisal-character", "Character", None, limits.CHARACTER, element="surprisal-text")
CHOSEN_CANDIDATES = Control("candidates-character", "Character", None, limits.CHARACTER, element="candidates-text")
CHOSEN_NEURON = Control("neuron-character", "Character", None, limits.CHARACTER, element="neuron-text")
CHOSEN_INFLUENCE = Control("influence-character", "Character", None, limits.CHARACTER, element="influence-text")
BEAM_WIDTH = Control("beam-width", "Beam width", 8, limits.BEAM_WIDTH, 1)
LEAVE_ONE_OUT, GRADIENT = "leave-one-out", "gradient norm"
INFLUENCE_METHOD = Control("influence-method", "How it is measured", LEAVE_ONE_OUT, choices=(LEAVE_ONE_OUT, GRADIENT))

TARGET = Control(
    "target",
    "Target text, 2 to 200 characters",
    "hihello",
    placeholder="Write a short text to learn",
    max_characters=limits.TARGET_CHARACTERS.high,
)
DECODER_CELL = Control("decoder-cell", "Cell", "rnn", choices=CELL_KINDS, choice_labels=CELL_LABELS)
DECODER_SIZE = Control("decoder-size", "Hidden size", 16, limits.DECODER_SIZE, 1)
DECODER_RATE = Control("decoder-rate", "Learning rate", 0.003, limits.DECODER_RATE, 0.001)
DECODER_SEED = Control("decoder-seed", "Seed", 2, limits.SEED, 1)
RATIO = Control("ratio", "Teacher-forcing ratio", 0.0, limits.FORCING_RATIO, 0.05)  # of the second decoder
DECODER_SPEED = Control("decoder-speed", "Epochs per second", 10, limits.DECODER_SPEED, 1)
SHOWN_EPOCH = Control("shown-epoch", "Show epoch", 40, limits.Limit("epoch", 0, limits.MAX_DECODER_EPOCHS), 1)
DECODER_SETTINGS = (DECODER_SPEED, DECODER_CELL, DECODER_SIZE, DECODER_RATE, DECODER_SEED)
EXAMPLE_EPOCHS = 40  # of the initial example: by then teacher-forced is nearly correct, and free-running is not

TEXT, ROWS = "text", "rows"
DATA_KIND = Control("data-kind", "Learn from", ROWS, choices=(ROWS, TEXT))
PASTE, UPLOAD, BUILT_IN = "paste", "upload", "built-in"
CLASSIFY, INVENT = "classify", "invent"
ROWS_GOAL = Control("rows-goal", "What to train", CLASSIFY, choices=(CLASSIFY, INVENT))  # of rows
SOURCE = Control("source", "Data source", PASTE, choices=(PASTE, UPLOAD, BUILT_IN))
PASTED_DATA = Control("pasted-data", "The text", "", placeholder="Paste it here", in_link=False)
PASTED_DATA_LABELS = {TEXT: "Your text", ROWS: "Your rows: text,label"}
DETECTED = "as detected"
DELIMITERS = {DETECTED: None, "comma": ",", "semicolon": ";", "tab": "\t", "bar |": "|"}
DELIMITER = Control("delimiter", "Delimiter", DETECTED, choices=tuple(DELIMITERS))
ENCODING = Control("encoding", "Encoding of the file", DETECTED, choices=(DETECTED, *ENCODINGS))
MERGE_CASE = Control("merge-case", "Merge labels that differ by case alone", False)
HEADERS = {DETECTED: None, "names of the columns": True, "a row of data": False}
HEADER = Control("header", "First line", DETECTED, choices=tuple(HEADERS))
# More choices: the numbers of the columns found.
TEXT_COLUMN = Control("text-column", "Column of the texts", DETECTED, limits.COLUMN, choices=(DETECTED,))
LABEL_COLUMN = Control("label-column", "Column of the labels", DETECTED, limits.COLUMN, choices=(DETECTED,))

NEW_NETWORK = "a new network"
START_FROM = Control("start-from", "Start from", NEW_NETWORK)  # more choices: the models of what is learnt from
SMALL, MEDIUM = "small", "medium"
PRESET = Control("preset", "Network", SMALL, choices=(SMALL, MEDIUM))
_USER_LIMITS = {limit.name: limit for limit in limits.USER_RECIPE}
CELL = Control("cell", "Cell", "gru", choices=CELL_KINDS, choice_labels=CELL_LABELS)
HIDDEN_SIZE = Control("hidden-size", "Hidden size", 128, _USER_LIMITS["hidden_size"], 1)
LAYERS = Control("layers", "Layers", 1, _USER_LIMITS["layers"], 1)
EPOCHS = Control("epochs", "Epochs: passes over the data", 20, _USER_LIMITS["epochs"], 1)
BATCH_SIZE = Control("batch-size", "Batch size", 16, _USER_LIMITS["batch_size"], 1)
_RECIPE_LIMITS = {limit.name: limit for limit in limits.RECIPE}
LEARNING_RATE = Control("learning-rate", "Learning rate (its maximum)", 0.004, _RECIPE_LIMITS["learning_rate"])
TRAINING_SEED = Control("training-seed", "Seed", 1, limits.SEED)
USER_MODEL = Control("user-model", "Your models", None, in_link=False)

BY_TAB = {
    "names": (NAME, MODEL, PRIOR, COUNTRY),
    "invent": (INVENT_MODEL, INVENT_COUNTRY, MIXED_WITH, MIXED_SHARE, INVENT_TEMPERATURE, INVENT_COUNT, INVENT_SEED),
    "speech": (
        TEMPERATURE,
        PRIME,
        PRIME_LENGTH,
        LENGTH,
        SEED,
        SPEECH_MODEL,
        TOP_K,
        STOP_AT,
        STEP_SPEED,
        *TEMPERATURES,
        BEAM_WIDTH,
        LOOK_INSIDE,
        USER_TEXT,
        CHOSEN_SURPRISAL,
        CHOSEN_CANDIDATES,
        FOUND_UNITS,
        LAYER,
        NEURON,
        HELD_UNITS,
        HELD_VALUE,
        CHOSEN_NEURON,
        CHOSEN_INFLUENCE,
        INFLUENCE_METHOD,
    ),
    "batches": (NAMES, ORDER, CELLS, BATCH_MODEL, UNIT, STEP),
    "teacher-forcing": (TARGET, *DECODER_SETTINGS, RATIO, SHOWN_EPOCH),
    "train": (
        DATA_KIND,
        ROWS_GOAL,
        SOURCE,
        PASTED_DATA,
        ENCODING,
        DELIMITER,
        HEADER,
        TEXT_COLUMN,
        LABEL_COLUMN,
        MERGE_CASE,
        START_FROM,
        PRESET,
        CELL,
        HIDDEN_SIZE,
        LAYERS,
        EPOCHS,
        BATCH_SIZE,
        LEARNING_RATE,
        TRAINING_SEED,
        USER_MODEL,
    ),
}
# Tab -> the accordions in it: their names in a link -> their element ids.
ACCORDIONS = {
    "names": {
        "prefixes": "prefixes-accordion",
        "attribution": "attribution-accordion",
        "activations": "activations-accordion",
        "cell-types": "cells-accordion",
        "names-code": "names-code-accordion",
        "names-score": "names-score",
    },
    "invent": {"invent-code": "invent-code-accordion"},
    "speech": {
        "temperatures": "temperatures-accordion",
        "beam": "beam-accordion",
        "surprisal": "surprisal-accordion",
        "candidates": "candidates-accordion",
        "one-neuron": "neuron-accordion",
        "influence": "influence-accordion",
        "dynamic": "dynamic-accordion",
        "memorization": "memorization-accordion",
        "speech-code": "speech-code-accordion",
        "speech-score": "speech-score",
    },
    "batches": {"step-by-step": "step-accordion", "unmasked": "unmasked-accordion", "code": "code-accordion"},
    "teacher-forcing": {"decoders-code": "decoders-code-accordion"},
    "train": {
        "row-format": "row-format-accordion",
        "settings": "settings-accordion",
        "training-code": "training-code-accordion",
    },
}

"""The bounds of every input, once: the tabs, the HTTP endpoints and the command line all read them here.

A value out of bounds raises `ValueError` with one sentence that names the bounds.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Limit(Generic[Number]):
    """The inclusive bounds of one number, and the check that refuses everything else."""

    name: str  # as a sentence names it: "temperature", or a field, "hidden_size"
    low: Number
    high: Number
    whole: bool = True  # whole numbers only

    def check(self, value: object) -> Number:
        """Returns `value` as an int or float within the bounds.

        Raises:
            ValueError: `value` is not a number (a bool, a string, a list, NaN...) or lies outside the bounds.
        """
        kind = "a whole number" if self.whole else "a number"
        sentence = f"The {self.name.replace('_', ' ')} must be {kind} from {self.low:,} to {self.high:,}."
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(sentence)
        # JSON has one kind of number, so 200.0 is as good as 200; NaN fails every comparison.
        if not self.low <= value <= self.high or (self.whole and math.floor(value) != value):
            raise ValueError(sentence)
        return cast(Number, int(value) if self.whole else float(value))

    def check_length(self, text: str, what: str) -> str:
        """Returns `text` if it has as many characters as the bounds allow; `what` names it in the sentence."""
        if not self.low <= len(text) <= self.high:
            raise ValueError(
                f"The {what} must have {self.low:,} to {self.high:,} characters; this one has {len(text):,}."
            )
        return text


MAX_NAME_CHARACTERS = 64  # longest name read; the longest one in the data has 19
NAMES = Limit("number of names", 1, 500)  # rows of one batch
MAX_PLOTTED_NAMES = 32  # rows of a batch that are drawn; the figures are over all
PRIORS = ("data", "uniform")  # how a classifier weights its classes: as in training, or all alike
STEP = Limit("step of time", 0, MAX_NAME_CHARACTERS - 1)  # of a batch of the longest names
UNIT = Limit("number of the vector", 0, 8191)  # which one a cell shows; two directions of the widest network

MAX_PRIME_CHARACTERS = 2_000  # longest text a generation can begin with
PRIME_LENGTH = Limit("prime length", 1, MAX_PRIME_CHARACTERS)
TEMPERATURE = Limit("temperature", 0.0, 2.0, whole=False)  # 0 is argmax
LENGTH = Limit("length", 1, 10_000)  # characters to generate
MAX_GENERATED_TEXT_CHARACTERS = (
    15_000  # of a text that a page hands back: prime, continuation, and a line on how it was made
)
MAX_DOCUMENT_CHARACTERS = 20_000  # longest text that a language model reads to be looked into
CHARACTER = Limit("position of the character", 0, MAX_DOCUMENT_CHARACTERS)  # chosen in a text that is looked into
DYNAMIC_CHARACTERS = Limit("number of characters", 100, MAX_DOCUMENT_CHARACTERS)  # of a text that a model learns from
MAX_DYNAMIC_SECONDS = 120  # in which it does; then it stops, wherever it is
MAX_QUEUED_DYNAMIC_TEXTS = 60  # such texts that wait; more are refused
BEAM_WIDTH = Limit("beam width", 1, 16)  # texts that a beam search keeps
BEAM_LENGTH = Limit("length", 1, 300)  # characters that it writes
HELD_VALUE = Limit("value that a unit is held at", -8.0, 8.0, whole=False)  # a free unit's lies between -1 and 1
LAYER = Limit("layer", 1, 8)  # which one of the network is looked at, from the input
STEP_SPEED = Limit("characters per second", 1, 10)  # of a text written one by one: the fastest can still be read
TOP_K = Limit("top-k", 0, 128)  # 0: every character may be drawn
SEED = Limit("seed", 0, 2**32 - 1)
MAX_STOP_MARK_CHARACTERS = 64  # of a string at which a generation ends
INVENTED = Limit("number of names", 1, 100)  # that are invented at once
MAX_INVENTED_CHARACTERS = 64  # of one of them: a longer one ends there; the longest name in the data has 19
MIXED_SHARE = Limit("share", 0.0, 1.0, whole=False)  # of the second of two classes
MIXED_CLASSES = Limit("number of classes mixed", 1, 50)
CLASS_WEIGHT = Limit("weight of a class", 0.0, 1_000.0, whole=False)  # in a mixture
MAX_STREAMS = 256  # texts that are generated at the same time; later ones are queued

# What one session may have under way at once (`ui.session_shares`).
MAX_SESSION_TEXTS = 8  # that are generated or queued; a page's own buttons start four
MAX_SESSION_QUESTIONS = 12  # about a model; a page with every accordion open has eight
MAX_SESSION_DYNAMIC_TEXTS = 1  # that a copy of a model learns from
MAX_SESSION_CLASSIFICATIONS = 32  # requests to classify names
MAX_SESSION_EVENTS = 40  # of any kind, queued or running (`ui.event_admission`)
MAX_COUNTED_REFUSALS = 60  # of one session; one is forgotten every second
FREE_REFUSALS = 10  # of one session at once; after each further one its next request waits a second more

# User data and the networks trained on it (`data.user_data`, `workers.training`).
MAX_USER_DATA_BYTES = 5_000_000  # of a text, or of rows
MAX_USER_ROW_CHARACTERS = 500  # of a row's text; a longer one is cut
MAX_SHOWN_LETTERS = 64  # of a text that is analysed letter by letter: of a longer one the last
MAX_USER_CELL_CHARACTERS = 100_000  # of a table's cell; a row with a longer one is left out
COLUMN = Limit("number of the column", 0, 999)  # of a table, from 0
USER_TEXT_CHARACTERS = Limit("number of characters", 200, MAX_USER_DATA_BYTES)  # of a text, as the network reads it
MAX_USER_ROWS = 100_000  # of a table
MAX_QUEUED_TRAININGS = 60  # trainings that wait; more are refused
MAX_USER_TRAINING_SECONDS = 600  # of one training, without its time in the queue
USER_RECIPE = (
    Limit("embedding_size", 4, 256),
    Limit("hidden_size", 4, 512),
    Limit("layers", 1, 3),
    Limit("epochs", 1, 500),
    Limit("batch_size", 1, 512),
    Limit("steps", 8, 256),
    Limit("dropout", 0, 0.9, whole=False),
)

# What is kept for one page alone (`ui.session_store`).
SESSION_SECONDS = 3_600  # after its last use
MAX_USER_PARAMETERS = 3_000_000  # of one model
MAX_USER_FILE_BYTES = 4 * MAX_USER_PARAMETERS + 1_000_000  # of one model file: 4 bytes a parameter, and its header
MAX_USER_CLASSES = 50  # of one classifier
MAX_CHARACTERS = 2_000  # of a vocabulary made from user data; the rarer ones are read as one, the unknown
MAX_SESSION_MODELS = 6  # of one page; of more the oldest goes
MAX_SESSION_RUNS = 50  # rows of its table
MAX_SESSIONS = 1_000  # pages
MAX_SESSION_STORE_BYTES = 400_000_000  # of all pages together; beyond it those go that have not been used for longest

VOCABULARY_SIZE = Limit("vocabulary_size", 2, 8_192)  # codes, that of the pad included

TEACHERS = Limit("number of networks of a teacher", 1, 16)

# A network and its training; `models` and `training` check their configs and recipes against these.
CONFIG = (
    VOCABULARY_SIZE,
    Limit("embedding_size", 1, 4096),
    Limit("hidden_size", 1, 4096),
    Limit("layers", 1, 8),
    Limit("dropout", 0, 0.9, whole=False),
    Limit("character_dropout", 0, 0.9, whole=False),
    Limit("classes", 2, 4096),
)
RECIPE = (
    Limit("epochs", 1, 10_000),
    Limit("batch_size", 1, 65_536),
    Limit("learning_rate", 1e-9, 100, whole=False),
    Limit("weight_decay", 0, 100, whole=False),
    Limit("muon_learning_rate", 0, 100, whole=False),
    Limit("clip", 1e-9, 1e9, whole=False),
    Limit("warmup", 0, 0.9, whole=False),
    Limit("evaluations", 1, 100),
    SEED,
    Limit("label_smoothing", 0, 0.9, whole=False),
    Limit("hold_out", 0.01, 0.9, whole=False),
    Limit("class_weight", 0, 1, whole=False),
    Limit("truncation", 0, 1, whole=False),
    Limit("ngram_weight", 0, 1, whole=False),
    Limit("synthetic", 0, 1_000_000),
    Limit("label_share", 0, 1, whole=False),
    Limit("steps", 1, 65_536),
    Limit("copies", 0, 100),
)

# A decoder pair that learns one short text (`training.teacher_forcing`).
TARGET_CHARACTERS = Limit("number of characters of the target text", 2, 200)
DECODER_SIZE = Limit("hidden size", 2, 64)
DECODER_RATE = Limit("learning rate", 0.0001, 1.0, whole=False)
FORCING_RATIO = Limit("teacher-forcing ratio", 0.0, 1.0, whole=False)
DECODER_SPEED = Limit("speed", 1, 50)  # epochs a second of one run: the fastest can still be watched
MAX_DECODER_EPOCHS = 1_000  # after them a run ends; all of them can be looked at, which takes at most 2 MB a run
MAX_DECODER_PAIRS = 200  # that run or are paused at the same time: those of a class
MAX_PAUSED_SECONDS = 600  # after them a run that is paused or has ended is dropped

# The server (`ui.settings`, `ui.request_limits`).
MAX_REQUEST_BYTES = 1_000_000  # of one request, uploads apart; the largest text that a page sends has 50,000 characters
MAX_BROWSER_SESSIONS = 1_000  # whose last values Gradio keeps; of more the one used longest ago goes
# A page whose connection has dropped (`ui.resumable_streams`, `ui.train`).
DISCONNECTED_SECONDS = 60  # for which its events, and its training, go on without it
MAX_UNSENT_STREAM_BYTES = 1_000_000  # of one stream that wait for it; beyond them the app waits
MAX_RESENT_STREAM_BYTES = 1_000_000  # of one stream that were sent, and may not have arrived

MAX_LINK_CHARACTERS = 30_000  # of a link's part after "#", which carries a set-up of the page
MAX_LINK_FIELDS = 200  # name=value pairs in it

# A lesson (`charplay.lesson`).
MAX_LESSON_CHARACTERS = 50_000  # of its JSON
LESSON_STEPS = Limit("number of steps of a lesson", 1, 40)
MAX_LESSON_TEXT_CHARACTERS = 1_000  # of one of its texts
MAX_LESSON_CHOICES = 10  # of a question, beside those that are computed
LESSON_NAMES = Limit("number of names", 1, 32)  # of a batch that an answer is computed from
LESSON_LENGTH = Limit("length", 1, 100)  # characters that an answer generates
LESSON_EPOCHS = Limit("number of epochs", 2, 100)  # of a decoder pair that an answer trains
LESSON_LABELS = Limit("number of labels", 2, MAX_USER_CLASSES)  # of an untrained classifier

STUDENTS = Limit("number of students", 1, 1_000)  # of a load test
SECONDS = Limit[float]("number of seconds", 1, 3_600, whole=False)  # of a load test


def check_fields(limits: Iterable[Limit], holder: object) -> None:
    """Checks those fields of `holder` that `limits` name."""
    for limit in limits:
        if hasattr(holder, limit.name):
            limit.check(getattr(holder, limit.name))


def check_choice(what: str, value: object, choices: Sequence[str]) -> str:
    """Returns `value` if it is one of `choices`; `what` names it in the sentence."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"The {what} must be one of {', '.join(choices)}.")
    return value


def check_text(what: str, value: object, longest: int) -> str:
    """Returns `value` if it is a string of at most `longest` characters; `what` names it in the sentence."""
    if not isinstance(value, str):
        raise ValueError(f"The {what} must be a text.")
    if len(value) > longest:
        raise ValueError(f"The {what} may have at most {longest:,} characters; this one has {len(value):,}.")
    return value

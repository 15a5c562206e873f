"""charplay: a playground for character-level recurrent networks.

In a notebook:

    import charplay

    charplay.load("names").classify("Rossi")                       # probabilities of 18 countries
    charplay.load("names").prefix_probabilities("Rossi")           # the same after each letter
    charplay.load("speech").generate("My fellow", temperature=0.5, seed=1)
    charplay.load("speech").surprise("We the people")              # bits of each character
    charplay.load("invent").invent("Italian", 10)                  # names that a network writes
    charplay.pad_and_pack(["adylov", "solan", "hard", "san"])      # a padded and a packed batch in numbers

`charplay.library` documents each. PyTorch is imported when one of them is first used, Gradio never.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from charplay.library import Classifier, Inventor, LanguageModel, load, pad_and_pack

__all__ = ["Classifier", "Inventor", "LanguageModel", "load", "pad_and_pack"]


def __getattr__(name: str) -> Any:
    """Import the library on first use (PEP 562), since every `import charplay.x` runs this file."""
    if name not in __all__:
        raise AttributeError(f"module 'charplay' has no attribute {name!r}")
    return getattr(import_module("charplay.library"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

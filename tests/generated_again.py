"""A generated text that was saved as JSON, made again by the library."""

from charplay.inference.beam import beam_search
from charplay.inference.generate import next_character
from charplay.library import LanguageModel
from charplay.models.checkpoints import Checkpoint


def generated_again(checkpoint: Checkpoint, saved: dict) -> str:
    """The text that saved settings, which this takes apart, generate with the model that is called "speech"."""
    model, prime = saved.pop("model"), saved["prime"]
    assert model == "speech"
    if "width" in saved:
        return prime + beam_search(checkpoint, **saved)["text"]
    if "steps" not in saved:
        return LanguageModel(checkpoint).generate(**saved)
    text, position = prime[-saved["prime_length"] :], 0
    for step in saved["steps"]:
        for _ in range(step["characters"]):
            sampling = step["temperature"], step["top_k"]
            text += next_character(checkpoint, text, saved["seed"], position, *sampling)
            position += 1
    return prime[: -saved["prime_length"]] + text

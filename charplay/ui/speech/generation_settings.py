"""What generates a text of the Speech tab again, as JSON beside it: `exports.js` saves both. Imports no gradio.

But for the model's name they are the arguments of `LanguageModel.generate`. A text whose sampling changed on the way
has `steps` instead, each character of which `next_character` writes; one with a `width` is of `beam_search`.
"""

from typing import Any

from charplay.inference.generation import Request
from charplay.ui.speech.generated_text import GeneratedText


def of_request(model: str, request: Request) -> dict[str, Any]:
    """Settings of a text that a model generates from one request; of one that is stopped, with the length it has."""
    settings = {
        "model": model,
        "prime": request.prime,
        "prime_length": request.prime_length,
        "temperature": request.temperature,
        "length": request.length,
        "top_k": request.top_k,
        "seed": request.seed,
        "until": request.until or None,
    }
    return settings if request.held is None else settings | {"held": list(request.held)}


def of_text(text: GeneratedText, length: int, until: str = "") -> dict[str, Any]:
    """Settings of the tab's own text, as far as it has come.

    Args:
        text: so far.
        length: characters that are requested; of a text that was stopped, those that it has make it again.
        until: the stop mark, which is none of a text that went on beyond it.
    """
    characters = len(text.continuation)
    request = Request(
        prime=text.prime,
        temperature=text.temperature,
        length=characters or length,
        prime_length=text.prime_length,
        top_k=text.top_k,
        seed=text.seed,
        until="" if until and until in text.continuation[:-1] else until,
    )
    settings = of_request(text.model, request)
    if text.earlier:
        starts = [0, *(each.end for each in text.earlier)]
        runs = [*text.earlier, (characters, text.temperature, text.top_k)]
        steps = [
            {"characters": end - start, "temperature": temperature, "top_k": top_k}
            for start, (end, temperature, top_k) in zip(starts, runs, strict=True)
        ]
        return {key: settings[key] for key in ("model", "prime", "prime_length", "seed")} | {"steps": steps}
    return settings


def of_beam(model: str, prime: str, width: object, length: int) -> dict[str, Any]:
    """Settings of a text that beam search found after a prime that is read whole."""
    return {"model": model, "prime": prime, "width": width, "length": length}

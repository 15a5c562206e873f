"""The typed HTTP endpoints, apart from the tabs' own events, which are private.

To add one, write it here and list it in the function for its kind. Gradio checks no types: each endpoint validates its
arguments by `charplay.limits`.
"""

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, Literal

import gradio as gr
from gradio.components.api_component import Api
from gradio.context import get_blocks_context
from gradio.utils import get_function_description

from charplay import limits
from charplay.data.input_text import read_document
from charplay.inference.classify import Classification, read_text
from charplay.inference.generation import make_request
from charplay.inference.held_units import hold_unit
from charplay.inference.invent import make_invent_request, split_texts
from charplay.interpret import packing, prefixes
from charplay.interpret.packing import BatchReport
from charplay.interpret.surprisal import Surprisal
from charplay.models.checkpoints import Registry
from charplay.ui import inference_client
from charplay.ui.errors import as_gradio_error
from charplay.ui.inference_client import stream_text

SECOND_NAMES = ("belief",)  # of endpoints that have another name, which programs may still call
Endpoints = dict[str, Callable[..., Any]]  # name -> function


def build(registry: Registry) -> None:
    """Adds the endpoints to the current Blocks; one whose model is missing answers with the reason."""
    endpoints = _names_endpoints(registry) | _invent_endpoints(registry) | _speech_endpoints(registry)
    endpoints |= _batches_endpoints(registry)
    for name, endpoint in endpoints.items():
        gr.api(as_gradio_error(endpoint), api_name=name)
    _describe_parameters(endpoints)


def _describe_parameters(endpoints: Endpoints) -> None:
    """Gives the API page what the docstrings say of the parameters."""
    blocks = get_blocks_context()
    for function in blocks.fns.values() if blocks else ():
        if function.api_name not in endpoints:
            continue
        endpoint = endpoints[str(function.api_name)]
        _, descriptions, _ = get_function_description(endpoint)
        for component, parameter in zip(function.inputs, inspect.signature(endpoint).parameters, strict=True):
            assert isinstance(component, Api)
            component._api_info["additional_description"] = descriptions[parameter]


def _names_endpoints(registry: Registry) -> Endpoints:
    async def classify(name: str, prior: Literal["data", "uniform"] = "data") -> Classification:
        """The probabilities of 18 countries for a surname.

        Args:
            name: up to 64 characters; accents are taken off, other scripts refused.
            prior: "data" weights the countries as in the training names, "uniform" all alike.
        """
        checkpoint = registry.default("names")
        read_text(
            checkpoint, name
        )  # here, so that an invalid name does not fail the batch of names that it would be part of
        return await inference_client.classify(checkpoint, name, limits.check_choice("prior", prior, limits.PRIORS))

    async def prefix_probabilities(
        name: str, prior: Literal["data", "uniform"] = "data"
    ) -> prefixes.PrefixProbabilities:
        """The probabilities of 18 countries after each letter of a surname.

        Args:
            name: up to 64 characters; accents are taken off, other scripts refused.
            prior: "data" weights the countries as in the training names, "uniform" all alike.
        """
        checkpoint = registry.default("names")
        limits.check_choice("prior", prior, limits.PRIORS)
        return prefixes.prefix_probabilities(name, await inference_client.classify_prefixes(checkpoint, name, prior))

    return {
        "classify": classify,
        "prefix_probabilities": prefix_probabilities,
        "belief": prefix_probabilities,
    }


def _speech_endpoints(registry: Registry) -> Endpoints:
    async def generate(
        prime: str,
        temperature: float = 0.8,
        length: int = 200,
        prime_length: int | None = None,
        top_k: int = 0,
        seed: int | None = None,
        until: str | None = None,
        held: list[float] | None = None,
    ) -> AsyncIterator[str]:
        """Streams the text so far: the whole prime, then up to `length` characters that the model adds.

        Args:
            prime: the text to go on from, up to 2,000 characters.
            temperature: 0 (always the likeliest character) to 2.
            length: characters to generate, 1 to 10,000.
            prime_length: how many of the prime's last characters warm up the hidden state; none: all.
            top_k: draw among the k likeliest characters alone; 0: among all.
            seed: the same one gives the same text; none: a new one.
            until: a string that ends the text where the model first writes it, such as a line's end; none: none does.
            held: a unit of the hidden state that keeps one value: layer (from 1), unit (from 0) and value (-8 to 8),
                such as [2, 450, 4]; none: no unit does.
        """
        checkpoint = registry.default("speech")
        unit = None if held is None else hold_unit(checkpoint.config, held)
        vocabulary = checkpoint.vocabulary
        request = make_request(prime, temperature, length, prime_length, top_k, seed, until, vocabulary, unit)
        async with aclosing(stream_text(checkpoint, request)) as updates:
            async for update in updates:
                yield request.prime + update.text

    async def surprise(text: str) -> Surprisal:
        """How surprising each character of a text is to the language model: -log2 p, in bits.

        Args:
            text: up to 20,000 characters, brought to ASCII as the speeches were; the answer holds it as it was read.
                The first character has no bits, since nothing is read before it.
        """
        checkpoint = registry.default("speech")
        return await inference_client.query(checkpoint, "surprisal", text=read_document(text, checkpoint.vocabulary))

    return {"generate": generate, "surprise": surprise}


def _invent_endpoints(registry: Registry) -> Endpoints:
    async def invent(
        country: str, count: int = 10, temperature: float = 0.8, seed: int | None = None
    ) -> dict[str, Any]:
        """Names that the network writes for a country, letter by letter, and the seed that gives them again.

        Args:
            country: one of the 18 that the names are labelled with, such as "Italian".
            count: names, 1 to 100.
            temperature: 0 (always the likeliest letter) to 2.
            seed: the same one gives the same names; none: a new one.
        """
        checkpoint = registry.default("invent")
        if not isinstance(country, str):
            raise ValueError("The country must be a text.")
        request = make_invent_request(checkpoint, country, count, temperature, seed)
        text = ""
        async with aclosing(stream_text(checkpoint, request)) as updates:
            async for update in updates:
                text = update.text
        return {"names": split_texts(text), "seed": request.seed}

    return {"invent": invent}


def _batches_endpoints(registry: Registry) -> Endpoints:
    async def compare_batches(names: list[str], sort: bool = True) -> BatchReport:
        """Names as a padded and as a packed batch, and what reading the padded end costs.

        Args:
            names: 1 to 500 of them.
            sort: rows by length, the longest first; otherwise as they come.
        """
        checkpoint = registry.default("names")
        comparison = packing.read_batch(names, sort)
        return packing.report(comparison, await inference_client.differences(checkpoint, comparison))

    return {"compare_batches": compare_batches}

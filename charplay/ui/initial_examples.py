"""What the page opens with: computed by the inference worker while Gradio is imported. Imports no gradio.

The page comes up without an example that fails, or that is not there in time.
"""

import functools
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from charplay.data.input_text import read_prime
from charplay.inference.classify import Classification
from charplay.inference.engine import GenerationError
from charplay.inference.generation import Request, make_request
from charplay.inference.invent import make_invent_request, split_texts
from charplay.interpret.surprisal import Expectation
from charplay.interpret.writing import WritingStep
from charplay.models.checkpoints import Checkpoint, CheckpointError, Registry
from charplay.ui import controls
from charplay.ui.worker_requests import classification, classification_of_steps, generation, question_about
from charplay.workers.client import INFERENCE
from charplay.workers.protocol import Response, WorkerRequest

MAX_SECONDS = 60.0  # seconds from the request after which the page no longer waits for its examples

NEXT_POSITIONS = 10  # last characters of a text whose likeliest next ones are shown

Result = TypeVar("Result")


class Example(NamedTuple):
    """The text that the page opens with."""

    continuation: str
    seconds: float  # that generating it took


class InventedExample(NamedTuple):
    """The names that the Invent tab opens with."""

    request: Request
    names: list[str]
    results: list[Classification]  # of the classifier, for each
    steps: list[WritingStep]  # of the first


class InitialExamples(NamedTuple):
    """The models of a page, and what its tabs open with, as it is computed."""

    registry: Registry
    name: Future[list[Classification]]  # of its prefixes that are drawn, the whole last
    text: Future[Example]
    next_characters: Future[list[Expectation]]  # of the prime that Speech opens with
    invented: Future[InventedExample]
    deadline: float  # of `time.monotonic`

    def wait_for_name(self) -> list[Classification] | None:
        """The classified prefixes of the name; None where there are none in time."""
        return self._wait_for(self.name)

    def wait_for_text(self) -> Example | None:
        """The generated text; None where there is none in time."""
        return self._wait_for(self.text)

    def wait_for_next_characters(self) -> list[Expectation] | None:
        """What is likeliest after each of the prime's last characters; None where that is not there in time."""
        return self._wait_for(self.next_characters)

    def wait_for_invented(self) -> InventedExample | None:
        """The invented names; None where they are not there in time."""
        return self._wait_for(self.invented)

    def _wait_for(self, example: Future[Result]) -> Result | None:
        try:
            return example.result(max(0.0, self.deadline - time.monotonic()))
        except (GenerationError, TimeoutError) as error:
            logging.warning("The page opens without an example: %s", error or "it was not computed in time.")
            return None


def example_request(checkpoint: Checkpoint) -> Request:
    """What the example text of a model is generated from."""
    return make_request(
        controls.PRIME.default,
        controls.TEMPERATURE.default,
        controls.LENGTH.default,
        seed=controls.EXAMPLE_SEED,
        vocabulary=checkpoint.vocabulary,
    )


def compute_examples(registry: Registry) -> InitialExamples:
    """Requests what the tabs open with; after it the process is warm for the first visitor."""
    initial = InitialExamples(registry, Future(), Future(), Future(), Future(), time.monotonic() + MAX_SECONDS)
    if registry.models["names"]:
        _classify_example(registry.default("names"), initial.name)
    if registry.models["speech"]:
        _generate_example(registry.default("speech"), initial.text)
        _predict_example(registry.default("speech"), initial.next_characters)
    if registry.models["invent"]:
        try:
            _invent_example(registry.default("invent"), registry.default("names"), initial.invented)
        except CheckpointError as error:  # there is no classifier
            initial.invented.set_exception(GenerationError(str(error)))
    return initial


def _invent_example(checkpoint: Checkpoint, classifier: Checkpoint, example: Future[InventedExample]) -> None:
    """Requests the names, then what the classifier makes of them, then the drawing of the first."""
    request = make_invent_request(
        checkpoint,
        controls.INVENT_COUNTRY.default,
        controls.INVENT_COUNT.default,
        controls.INVENT_TEMPERATURE.default,
        controls.EXAMPLE_SEED,
    )

    def ask(next_request: WorkerRequest, use: Callable[[Any], None]) -> None:
        def on_response(response: Response) -> None:
            if response["failure"] is not None:
                example.set_exception(GenerationError(response["failure"]))
            elif response["is_done"]:
                use(response["result"])

        INFERENCE.send(next_request, on_response)

    def on_names(result: dict[str, Any]) -> None:
        names = split_texts(result["text"])
        drawn = {"text": names[0], "mixture": request.mixture, "temperature": request.temperature}

        def on_classified(results: list[Classification]) -> None:
            question = question_about(checkpoint, "writing_steps", drawn)
            ask(question, lambda steps: example.set_result(InventedExample(request, names, results, steps)))

        ask(classification(classifier, names, controls.PRIORS[controls.PRIOR.default]), on_classified)

    ask(generation(checkpoint, request), on_names)


def _classify_example(checkpoint: Checkpoint, example: Future[list[Classification]]) -> None:
    request = classification_of_steps(checkpoint, controls.NAME.default, controls.PRIORS[controls.PRIOR.default])
    INFERENCE.send(request, functools.partial(_resolve, example, lambda results: results))


def _predict_example(checkpoint: Checkpoint, example: Future[list[Expectation]]) -> None:
    text = read_prime(controls.PRIME.default, checkpoint.vocabulary)
    arguments = {"text": text, "positions": NEXT_POSITIONS}
    request = question_about(checkpoint, "likeliest_next", arguments)
    INFERENCE.send(request, functools.partial(_resolve, example, lambda result: result))


def _resolve(example: Future, read: Callable[[Any], Any], response: Response) -> None:
    """Gives the future of an example what `read` makes of the only response to its request."""
    if response["failure"] is None:
        example.set_result(read(response["result"]))
    else:
        example.set_exception(GenerationError(response["failure"]))


def _generate_example(checkpoint: Checkpoint, example: Future[Example]) -> None:
    request, started = example_request(checkpoint), time.monotonic()

    def on_response(response: Response) -> None:
        if response["failure"] is not None:
            example.set_exception(GenerationError(response["failure"]))
        elif response["is_done"]:
            example.set_result(Example(response["result"]["text"], time.monotonic() - started))

    def on_loaded(response: Response) -> None:
        """The time is that of the generation: the model is in memory by now."""
        nonlocal started
        if not response["is_done"]:
            return
        if response["failure"] is not None:
            example.set_exception(GenerationError(response["failure"]))
            return
        started = time.monotonic()
        INFERENCE.send(generation(checkpoint, request), on_response)

    INFERENCE.send(generation(checkpoint, replace(request, length=1)), on_loaded)

"""The answers of a lesson's steps, computed now by the page's models in the processes that they run in."""

import asyncio
import json
from contextlib import aclosing
from dataclasses import asdict

from charplay import limits
from charplay.inference.engine import GenerationError
from charplay.inference.expiring_cache import ExpiringCache
from charplay.lesson import decoders
from charplay.lesson.answer import Answer
from charplay.lesson.steps import Step
from charplay.models.checkpoints import Registry
from charplay.ui import inference_client
from charplay.ui.teacher_forcing.run import TEACHER_FORCING
from charplay.workers.protocol import WorkerRequest

_MAX_ANSWERS = 200  # that are remembered, for a class at the same step
_UNFINISHED = "The decoders could not be trained: please open the step again."


class Answers:
    """Those of one app; equal steps share an answer."""

    def __init__(self, registry: Registry):
        self._registry = registry
        self._found: ExpiringCache[str, Answer] = ExpiringCache(limits.SESSION_SECONDS, _MAX_ANSWERS)
        self._training = asyncio.Lock()  # one pair for all who open the step at once

    async def find(self, step: Step) -> Answer:
        """The answer to a step's question.

        Raises:
            GenerationError, ValueError: it cannot be computed; the sentence says why.
        """
        key = json.dumps([step.computation.name, dict(step.arguments)], sort_keys=True)
        if (found := self._found.find(key)) is not None:
            return found
        if step.computation.task != "decoders":
            return self._found.keep(key, await self._ask_model(step))
        async with self._training:
            if (found := self._found.find(key)) is not None:
                return found
            history = await _train(step)
            return self._found.keep(key, step.computation.compute(history, **step.arguments))

    async def _ask_model(self, step: Step) -> Answer:
        task, model = step.computation.task, step.arguments.get("model")
        checkpoint = self._registry.models[task].get(model or "") or self._registry.default(task)
        value, facts, choices, curves = await inference_client.query(
            checkpoint, "lesson_answer", computation=step.computation.name, arguments=dict(step.arguments)
        )
        return Answer(value, facts, tuple(choices), tuple(map(tuple, curves)))


async def _train(step: Step) -> list[list[float]]:
    """The history of a decoder pair, which takes its turn with the runs of the Teacher forcing tab."""
    arguments, history = step.arguments, list[list[float]]()
    settings = asdict(decoders.settings(arguments))
    request = WorkerRequest("start", {"settings": settings, "page": "", "speed": limits.DECODER_SPEED.high})
    async with aclosing(TEACHER_FORCING.stream(request)) as stream:  # closing it drops the run
        async for responses in stream:
            for response in responses:
                if response["failure"] is not None:
                    raise GenerationError(response["failure"])
                state = (response["update"] or response["result"] or {}).get("state")
                if state is not None:
                    history = history[: state["since"]] + state["history"]
            if len(history) >= arguments["epochs"]:
                return history
    raise GenerationError(_UNFINISHED)

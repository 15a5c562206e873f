"""Whether a lesson fits the page: its links, the elements that it highlights, and the models that it names."""

from collections.abc import Collection

from charplay.lesson.steps import Lesson, Step
from charplay.models.checkpoints import Registry
from charplay.ui import links
from charplay.ui.links import Choices


def check(lesson: Lesson, registry: Registry, choices: Choices, elements: Collection[str]) -> None:
    """Checks every step.

    Args:
        lesson: valid as such.
        registry: the page's models.
        choices: of the page's controls.
        elements: ids of the page's elements.

    Raises:
        ValueError: a step does not fit; the sentence names it and says what to change.
    """
    for number, step in enumerate(lesson.steps, 1):
        try:
            _check_step(step, registry, choices, elements)
        except ValueError as error:
            raise ValueError(f"Step {number}: {error}") from None


def _check_step(step: Step, registry: Registry, choices: Choices, elements: Collection[str]) -> None:
    for name, text in (("link", step.link), ("answer_link", step.answer_link)):
        link = links.parse(text, choices)
        if link.ignored:
            raise ValueError(f"The {name} has parts that no link of this page has: {'; '.join(link.ignored)}.")
        if text and link.tab is None:
            raise ValueError(f"The {name} names no tab: begin it with tab=names or another tab.")
    if step.highlight not in elements:
        raise ValueError(f"The page has no element {step.highlight} to highlight.")
    task, model = step.computation.task, step.arguments.get("model")
    if model is not None and model not in registry.models[task]:
        raise ValueError(f"The page has no model {model}: it has {', '.join(registry.models[task])}.")

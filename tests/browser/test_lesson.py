"""The shipped lesson, walked from its first step to its last: by keyboard beside the tabs, by touch above them."""

import json

import pytest
from playwright.sync_api import Page, expect

from charplay.lesson import steps
from charplay.lesson.answer import Answer
from charplay.lesson.answers import answer
from charplay.lesson.steps import Step
from charplay.models import checkpoints
from charplay.ui import links
from charplay.ui.lesson.panel import MAX_BUTTONS
from tests.browser.conftest import SIZES
from tests.browser.set_ups import VALUES
from tests.unit.lesson.test_steps import lesson

LESSON = steps.load().steps
HOLDS = f"""([names, values]) => {{
  const state = ({VALUES})(names);
  return names.every((name, index) => String(state[name]) === values[index]);
}}"""
SHOWN_BY = {  # computation -> what of the page shows its answer once it is there, and the text
    "code": ("#seen", lambda found: found.value),
    "country": ("#headline", lambda found: found.value),
    "pads": ("#facts", lambda found: f"{found.value} of {found.facts['cells']} cells"),
    "unmasked_country": ("#unmasked", lambda found: found.value),
    "text_at_temperature": ("#text", lambda found: found.value.split("↵")[0]),
}


@pytest.fixture(scope="module")
def answers() -> list[Answer]:
    """What the models say now, of each step."""
    registry = checkpoints.load_all(*checkpoints.DIRECTORIES)
    found = []
    for step in LESSON:
        task = step.computation.task
        checkpoint = None if task == "decoders" else registry.default(task)
        found.append(answer(step.computation.name, step.arguments, checkpoint))
    return found


def expect_link(page: Page, text: str) -> None:
    """Waits until the page is as a link says: its tab is open, and its controls have their values."""
    link = links.parse(text)
    assert not link.ignored
    expect(page.get_by_role("tab", selected=True)).to_have_attribute("data-tab-id", link.tab)
    values = [f"{value:g}" if isinstance(value, float) else str(value) for value in link.values.values()]
    page.wait_for_function(HOLDS, arg=[list(link.values), values])
    for name in link.open:
        expect(page.locator(f"#{links.ACCORDIONS[name]} .label-wrap.open")).to_have_count(1)


def expect_step(page: Page, number: int, step: Step) -> None:
    """Waits until a step is open, with the page as it says, and looks at what must not be there yet."""
    panel = page.locator(f"#lesson [data-step='{number}']")
    expect(panel.get_by_role("heading", name=step.title)).to_be_focused()
    expect_link(page, step.link)
    expect(page.locator(f"#{step.highlight}")).to_be_visible()
    assert page.locator("#lesson :is(.lesson-value, .lesson-answer)").count() == 0
    assert step.answer_link not in panel.inner_html() or not step.answer_link


def predict_by_keyboard(page: Page, choices: int) -> None:
    """From the heading of a step: the first choice, or a number."""
    page.keyboard.press("Tab")
    if choices > MAX_BUTTONS:
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
    elif not choices:
        page.keyboard.type("7")
    page.keyboard.press("Enter")


def expect_answer(page: Page, step: Step, found: Answer) -> None:
    """Waits until the answer is shown, and is that of the models; the page shows it too."""
    expect(page.locator("#lesson .lesson-answer")).to_be_visible()
    expect(page.locator("#lesson .lesson-value")).to_contain_text(found.value)
    why = step.explain(found.facts | {"answer": found.value})
    expect(page.locator("#lesson .lesson-answer")).to_contain_text(why)
    if step.answer_link:
        expect_link(page, step.answer_link)
    if step.computation.name in SHOWN_BY:
        selector, text = SHOWN_BY[step.computation.name]
        expect(page.locator(selector)).to_contain_text(text(found))


def load_file(page: Page, content: str) -> None:
    page.locator(".lesson-own summary").click()
    file = {"name": "lesson.json", "mimeType": "application/json", "buffer": content.encode()}
    page.locator(".lesson-own input").set_input_files(file)


def test_the_lesson_is_walked_by_keyboard_and_a_lesson_of_ones_own_is_loaded(open_page, answers):
    page = open_page()
    expect(page.locator("#lesson")).to_be_hidden()
    page.locator("#lesson-button").focus()
    page.keyboard.press("Enter")
    for number, (step, found) in enumerate(zip(LESSON, answers, strict=True), 1):
        expect_step(page, number, step)
        expect(page.locator(f"#{step.highlight}")).to_be_in_viewport()
        predict_by_keyboard(page, len(found.choices) + len(step.choices))
        expect(page.locator("#lesson .lesson-answer")).to_be_focused()
        expect_answer(page, step, found)
        for _ in range(1 if number == 1 else 2):  # Back, then Next
            page.keyboard.press("Tab")
        if number == len(LESSON):  # a link to the step, which the address bar follows
            page.wait_for_function(f"location.hash.includes('lesson={number}')")
        page.keyboard.press("Enter")
    expect(page.locator("#lesson")).to_be_hidden()
    expect(page.locator("#lesson-button")).to_be_focused()

    page.keyboard.press("Enter")  # goes on where it was
    panel = page.locator("#lesson .lesson-panel")
    expect(panel).to_have_attribute("data-step", str(len(LESSON)))
    load_file(page, lesson(highlight="nothing-here"))
    expect(panel.locator(".problem")).to_contain_text("nothing-here")
    expect(panel).to_have_attribute("data-step", str(len(LESSON)))
    markup = "<img src=x onerror=window.bad=1>"
    load_file(page, json.dumps(json.loads(lesson(title=markup, link="tab=names&name=Rossi"))))
    expect(panel.get_by_role("heading")).to_have_text(markup)
    expect_link(page, "tab=names&name=Rossi")
    assert panel.locator("img").count() == 0
    assert not page.evaluate("'bad' in window")
    page.wait_for_function("!location.hash.includes('lesson')")  # no link could bring it to another page


def test_the_first_a_middle_and_the_last_step_by_touch_on_a_phone(browser, app_url, answers):
    width, height = SIZES["phone"]
    context = browser.new_context(has_touch=True, is_mobile=True, viewport={"width": width, "height": height})
    page = context.new_page()
    for number in (1, 9, len(LESSON)):
        step, found = LESSON[number - 1], answers[number - 1]
        if number == 1:
            page.goto(f"{app_url}#lesson={number}")
        else:
            page.evaluate(f"location.hash = '#lesson={number}'")
        expect_step(page, number, step)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        panel, field = page.locator("#lesson .lesson-panel").bounding_box(), page.get_by_role("tablist").bounding_box()
        assert panel["y"] + panel["height"] <= field["y"]  # above the tabs, over none of their fields
        page.locator("#lesson form button").last.tap()
        expect_answer(page, step, found)
        page.locator("#lesson [data-lesson=find]").tap()
        expect(page.locator(f"#{step.highlight}")).to_be_in_viewport()
    page.locator("#lesson .lesson-head button").tap()
    expect(page.locator("#lesson")).to_be_hidden()
    context.close()

"""A lesson of one's own is named at the start, and the page's one event of the lesson answers whatever it is sent."""

import json

import pytest

from charplay import cli, limits
from charplay.ui import launch
from tests.unit.lesson.test_steps import lesson


def show_of(demo):
    """The function of the page's event of the lesson."""
    ids = {block.elem_id: number for number, block in demo.blocks.items() if getattr(block, "elem_id", None)}
    [event] = [each for each in demo.fns.values() if (ids["lesson-request"], "change") in each.targets]
    return event.fn


def test_a_file_named_at_the_start_is_the_pages_lesson_and_hostile_requests_break_nothing(
    tmp_path, monkeypatch, run_async
):
    (tmp_path / "mine.json").write_text(lesson(title="Mine"), encoding="utf-8")
    launched = []
    monkeypatch.setattr(launch, "launch", lambda demo, *_: launched.append(demo))
    assert not cli.main(["app", "--port", "0", "--lesson", str(tmp_path / "mine.json")])
    show = show_of(launched[0])

    def ask(**request: object) -> str:
        return run_async(show(json.dumps(request)))

    assert "<h2" in ask(step=1)
    assert "Mine" in ask(step=1)
    assert "lesson-answer" not in ask(step=1)
    assert "lesson-answer" in ask(step=1, prediction="Greek")
    assert "Mine" in ask(step=7)  # the nearest there is
    assert "Theirs" in ask(step=1, own=lesson(title="Theirs"))
    assert "problem" in ask(step=1, upload="no lesson")
    for request in ("", "null", "[]", "{", 5, None, [], "x" * 10**6, '{"step": 1e99}', '{"step": [], "own": 5}'):
        shown = run_async(show(request))
        assert not isinstance(shown, str) or "Mine" in shown
    assert "<script" not in ask(step=1, prediction="<script>" * limits.MAX_LESSON_TEXT_CHARACTERS)


@pytest.mark.parametrize("content", ["{", lesson(highlight="not-on-the-page"), lesson(link="tab=nowhere")])
def test_a_file_that_is_no_lesson_of_this_page_ends_the_start_with_a_sentence(tmp_path, monkeypatch, capsys, content):
    (tmp_path / "bad.json").write_text(content, encoding="utf-8")
    monkeypatch.setattr(launch, "launch", lambda *_: pytest.fail("it was launched"))
    assert cli.main(["app", "--port", "0", "--lesson", str(tmp_path / "bad.json")]) == 2
    message = capsys.readouterr().err
    assert "Traceback" not in message
    assert "esson" in message or "Step 1" in message

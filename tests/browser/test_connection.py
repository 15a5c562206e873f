"""A page whose connection breaks, is restored, and goes on without a reload."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import expect_network, go_to_tab
from tests.relay import Relay

# Holds back the message that closes a stream until an event that was sent after it has been answered: on another
# connection that can happen at any time.
LATE_CLOSING = """
(() => {
  const fetchNow = window.fetch.bind(window), held = [];
  let joined = 0;
  const frame = () => new Promise(requestAnimationFrame);
  window.fetch = async (input, init) => {
    const response = await fetchNow(input, init), url = String(input?.url ?? input);
    if (url.includes('/queue/join')) {
      (async () => {
        const number = ++joined;
        for (let count = 0; count < 20; count++) await frame(); // Gradio has read the answer
        if (number === joined) held.splice(0).forEach(release => release());
      })();
      return response;
    }
    if (!url.includes('/queue/data')) return response;
    const late = new TransformStream({
      async transform(chunk, controller) {
        const text = new TextDecoder().decode(chunk), start = text.indexOf('data: {"msg":"close_stream"');
        if (start < 0) return controller.enqueue(chunk);
        controller.enqueue(new TextEncoder().encode(text.slice(0, start)));
        window.heldBack = (window.heldBack ?? 0) + 1;
        await new Promise(resolve => held.push(resolve));
        controller.enqueue(new TextEncoder().encode(text.slice(start)));
      },
    });
    return new Response(response.body.pipeThrough(late), {status: response.status, headers: response.headers});
  };
})();
"""
# Ends every stream after its first part, as a proxy may that takes it for complete.
ENDED_STREAMS = """
(() => {
  const fetchNow = window.fetch.bind(window);
  window.fetch = async (input, init) => {
    const response = await fetchNow(input, init);
    if (!String(input?.url ?? input).includes('/queue/data')) return response;
    const reader = response.body.getReader(), {value} = await reader.read();
    reader.cancel(); // else it would keep one of the few connections to a host
    window.ended = (window.ended ?? 0) + 1;
    return new Response(value, {status: response.status, headers: response.headers});
  };
})();
"""
PATIENT = 60_000  # ms: the training worker has to start, on a machine that may be busy


@pytest.fixture
def relay(app_url, run_async):
    """Between the browser and the app."""
    relay = run_async(Relay(urlsplit(app_url).port).start())
    yield relay
    run_async(relay.stop())


@pytest.fixture
def page(context, relay):
    """A page whose connections can be cut, marked so that a reload would be noticed."""
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{relay.port}/")
    page.locator("#bars .share").first.wait_for()
    page.evaluate("window.isFirst = true")
    yield page
    page.close(run_before_unload=False)


def test_a_training_and_what_is_typed_outlive_a_dropped_connection(page, relay, run_async):
    go_to_tab(page, "Train")
    expect(page.locator("#data-summary .tiles")).to_be_visible()
    with page.expect_response("**/queue/join?*"):
        page.locator("#train-start").click()
    run_async(relay.cut())
    expect(page.locator("#connection-lost")).to_be_visible()
    go_to_tab(page, "Names")
    page.locator("#name :is(input, textarea)").fill("Kowalczyk")
    run_async(relay.restore())
    expect(page.locator("#connection-lost")).to_have_count(0)
    expect_network(page, len("Kowalczyk"))
    go_to_tab(page, "Train")
    begun = page.locator("#train-status :is([data-state=running], [data-state=ended])")
    expect(begun).to_be_visible(timeout=PATIENT)
    page.locator("#train-stop").click()
    expect(page.locator("#runs tbody tr")).to_have_count(1, timeout=PATIENT)
    expect(page.locator("#train-status [data-state=ended]")).to_be_visible()
    expect(page.locator("#train-start")).to_be_enabled()
    assert page.evaluate("window.isFirst")


def test_an_event_that_is_sent_while_the_stream_closes_has_its_effect(context, app_url):
    page = context.new_page()
    page.add_init_script(LATE_CLOSING)
    page.goto(app_url)
    page.locator("#bars .share").first.wait_for()
    name = page.locator("#name :is(input, textarea)")
    for held_back, typed in enumerate(("Ross", "Nguyen", "Kowalczyk"), 1):
        name.fill(typed)
        expect_network(page, len(typed))
        page.wait_for_function(f"window.heldBack >= {held_back}")
    go_to_tab(page, "Speech")
    page.locator("#generate").click()
    expect(page.locator("#generate")).to_be_enabled()
    page.locator("#next-character").click()
    expect(page.locator("#next-candidates")).to_contain_text("%")
    page.close(run_before_unload=False)


def test_a_stream_that_ends_early_goes_on(context, app_url):
    page = context.new_page()
    page.add_init_script(ENDED_STREAMS)
    page.goto(f"{app_url}#tab=speech")
    text = page.locator("#text .text").inner_text()
    page.locator("#generate").click()
    expect(page.locator("#generate")).to_be_enabled()
    expect(page.locator("#text .text")).not_to_have_text(text)
    assert page.evaluate("window.ended") > 1
    page.close(run_before_unload=False)


def test_back_and_forward_and_a_second_tab_bring_pages_that_answer(page, context, app_url):
    page.goto(f"{page.url}?__theme=dark")
    page.go_back()
    second = context.new_page()
    second.goto(app_url)
    for each, name in ((page, "Costa"), (second, "Nguyen")):
        each.bring_to_front()
        each.locator("#bars .share").first.wait_for()
        each.locator("#name :is(input, textarea)").fill(name + "x")
        expect_network(each, len(name) + 1)
    second.close()
    page.go_forward()
    page.locator("#name :is(input, textarea)").fill("Rossi")
    expect_network(page, len("Rossi"))

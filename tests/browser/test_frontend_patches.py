"""What is mended in Gradio's page does what it did, and the page at rest does nothing."""

import json
from urllib.request import urlopen

from charplay.ui import frontend_patches, page_head
from charplay.ui.assets import read_asset

# How often the script asks for a frame, and a promise of whether a while comes in which it does not.
COUNT_FRAMES = """
  window.frames_ = 0;
  const request = window.requestAnimationFrame;
  window.requestAnimationFrame = callback => { window.frames_++; return request(callback); };
"""
COMES_TO_REST = """async () => {
  for (let round = 0; round < 100; round++) {
    const before = window.frames_;
    await new Promise(done => setTimeout(done, 300));
    if (window.frames_ === before) return true;
  }
  return false;
}"""

# Compares with a plain search, on a tree that changes under it, all that both find and do not find.
SEARCHES_ALIKE = """() => {
  const plain = (component, id) => {
    if (component.id === id) return component;
    for (const child of component.children ?? []) {
      const found = plain(child, id);
      if (found) return found;
    }
    return null;
  };
  let state = 1;
  const below = number => (state = state * 48271 % 2147483647) % number;
  const tree = (id, depth) =>
    ({id, children: depth ? Array.from({length: below(4)}, (_, n) => tree(10 * id + n, depth - 1)) : undefined});
  const root = tree(1, 4);
  let found = 0;
  for (let change = 0; change < 200; change++) {
    for (let id = 0; id < 20; id++) {
      const wanted = below(2) ? id : 10 * (10 + below(4)) + below(4);
      const expected = plain(root, wanted);
      if (FIND(root, wanted) !== expected) return `change ${change}, id ${wanted}`;
      found += expected !== null;
    }
    const parent = plain(root, 10 + below(4)) ?? root;
    if (change % 2) parent.children = tree(parent.id, 3).children;
    else parent.children?.reverse();
  }
  return found;
}"""


def test_a_page_at_rest_asks_for_no_frame(context, app_url):
    page = context.new_page()
    page.add_init_script(COUNT_FRAMES)
    page.goto(app_url)
    page.locator("#bars .share").first.wait_for()
    assert page.evaluate("window.frames_") > 0
    assert page.evaluate(COMES_TO_REST)
    page.close()


def test_a_component_is_found_as_by_a_plain_search_whatever_has_changed(context):
    page = context.new_page()
    source = read_asset(frontend_patches.__file__, "find_component.js")
    assert page.evaluate(f"{{ {source}; ({SEARCHES_ALIKE})() }}") > 500
    page.close()


def test_copies_are_what_they_were_and_what_has_none_is_an_error(context):
    page = context.new_page()
    native = page.evaluate_handle("structuredClone")
    page.evaluate(read_asset(page_head.__file__, "plain_values.js"))
    assert page.evaluate("native => structuredClone !== native", native)
    values = [1, "a", None, True, [1, {"a": [2]}], {"b": "c"}]
    assert page.evaluate("values => values.map(value => structuredClone(value))", values) == values
    assert page.evaluate("() => { const a = {b: []}, c = structuredClone(a); return c !== a && c.b !== a.b; }")
    for impossible in ("() => 1", "Symbol('a')"):
        name = page.evaluate(
            f"() => {{ try {{ structuredClone({impossible}) }} catch (error) {{ return error.name }} }}"
        )
        assert name == "DataCloneError"
    page.close()


def test_the_page_has_all_events(open_page, app_url):
    page = open_page()
    with urlopen(f"{app_url}config") as response:
        events = json.load(response)["dependencies"]
    assert page.evaluate("[...window.gradio_config.dependencies].map(each => each.id)") == [
        each["id"] for each in events
    ]
    assert page.evaluate("Array.isArray(window.gradio_config.dependencies)")
    assert page.evaluate("window.gradio_config.dependencies.constructor !== Array")  # what Svelte would wrap

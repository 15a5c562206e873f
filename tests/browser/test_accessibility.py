"""axe-core finds nothing serious on any tab, light and dark. Its script comes from npm, or from $AXE_CORE."""

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import go_to_tab, modes, wait_for_transitions
from tests.browser.test_look import TABS
from tests.conftest import missing

SEVERE = ("moderate", "serious", "critical")
VISIBLE_TAB = "[...document.querySelectorAll('[role=tabpanel]')].find(each => each.checkVisibility())"
COLOUR_RULES = ["color-contrast", "link-in-text-block"]  # nothing else depends on the mode
# Rules that Gradio's own frame breaks, not what is on the tabs.
GRADIO_RULES = {"region"}  # its footer and toasts stand outside of landmarks


@pytest.fixture(scope="session")
def axe(tmp_path_factory) -> str:
    """The script of axe-core."""
    if path := os.environ.get("AXE_CORE"):
        return Path(path).read_text(encoding="utf-8")
    npm, directory = shutil.which("npm"), tmp_path_factory.mktemp("axe")
    if npm is None:
        missing("axe-core needs npm, or its file in $AXE_CORE")
    packed = subprocess.run([npm, "pack", "axe-core"], cwd=directory, capture_output=True, text=True, timeout=120)
    if packed.returncode:
        missing(f"npm has no axe-core: {packed.stderr.strip()[-200:]}")
    with tarfile.open(next(directory.glob("axe-core-*.tgz"))) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()


@pytest.mark.parametrize(("size", "mode"), [("projector", "light"), ("phone", "dark")])
def test_no_tab_has_a_severe_problem(open_page, axe, size, mode):
    page = open_page(size, mode)
    page.evaluate(axe)
    # What is outside of the tabs, and how they stand to it, is the same on every size and in every mode.
    checked = "document" if size == "projector" else VISIBLE_TAB
    found = []
    for tab in TABS:
        go_to_tab(page, tab)
        expect(page.get_by_role("tabpanel").filter(visible=True)).to_have_count(1)
        expect(page.locator(".empty").filter(visible=True)).to_have_count(0)  # where Gradio has not rendered a plot yet
        for each in modes(page, mode):
            wait_for_transitions(page)
            rules = {} if each == mode else {"runOnly": COLOUR_RULES}
            options = json.dumps({"resultTypes": ["violations"], **rules})
            report = page.evaluate(f"axe.run({checked}, {options})")
            found += [
                f"{tab}, {each}: {violation['id']} ({violation['impact']}) {node['target']}"
                for violation in report["violations"]
                if violation["impact"] in SEVERE and violation["id"] not in GRADIO_RULES
                for node in violation["nodes"]
            ]
    assert not found


def test_the_api_page_opens_without_a_complaint_and_describes_every_parameter(open_page):
    page = open_page()
    page.locator("footer button").first.click()
    expect(page.get_by_text("up to 64 characters").first).to_be_attached()

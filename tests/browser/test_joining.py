"""Join: the page's address on the screen of a classroom."""

from urllib.parse import urlsplit

from playwright.sync_api import expect

from charplay.ui import addresses, joining
from tests.conftest import launched

NUMBER = "192.168.100.200"


# Whether all of the dialog is in the window, and the address on one line.
FITS = """() => {
  const line = document.querySelector('.join-address');
  return line.scrollWidth <= line.clientWidth && ['.join-code', '.join-address', '.join-close'].every(selector => {
    const box = document.querySelector(selector).getBoundingClientRect();
    return box.width && box.top >= 0 && box.left >= 0 && box.bottom <= innerHeight && box.right <= innerWidth;
  });
}"""


def test_the_address_is_shown_large_with_its_code_and_the_keyboard_leaves_it(browser, tmp_path, monkeypatch):
    monkeypatch.setattr(addresses, "in_network", lambda _: NUMBER)
    with launched(tmp_path, host="0.0.0.0", for_class=True) as (_, url):
        port = urlsplit(url).port
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(f"http://localhost:{port}/?__theme=dark")
        dialog, address = page.locator("#join-dialog"), page.locator(".join-address")
        expect(address).to_have_text(f"http://{NUMBER}:{port}")
        modules = page.locator(".join-code .qrline").get_attribute("d")
        assert f'd="{modules}"' in joining.code(f"http://{NUMBER}:{port}")
        assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('.join-address')).fontSize)") > 60
        page.wait_for_function(FITS)
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        button = page.locator("#join button")
        button.focus()
        page.keyboard.press("Enter")
        expect(dialog).to_be_visible()
        expect(page.locator(".join-close")).to_be_focused()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
        for width, height in ((390, 844), (320, 568), (640, 360)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_function(FITS)
        page.locator(".join-close").click()
        expect(dialog).to_be_hidden()
        expect(button).to_be_focused()
        page.reload()
        expect(button).to_be_visible()
        assert not page.locator("#join-dialog[open]").count()  # by itself only once
        page.close()

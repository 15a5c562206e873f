"""The app at a sub-path of a site with HTTPS, as nginx serves it by the lines of the serving page."""

import base64
import hashlib
import os
import re
import ssl
import subprocess
from urllib.parse import urlencode

import httpx
import pytest
from gradio_client import Client
from playwright.sync_api import expect

from charplay.bench.classroom import GENERATION_CHARACTERS
from tests.browser import saved_link, set_ups
from tests.browser.conftest import SIZES
from tests.proxy.conftest import ROOT, free_port, program, running, running_app, wait_for


def documented_lines(first: str) -> str:
    """The indented block of the serving page that begins with this line."""
    page = (ROOT / "charplay/bench/README.md").read_text(encoding="utf-8")
    [block] = re.findall(rf"^    {re.escape(first)}\n(?:    .*\n|\n(?=    ))*", page, re.MULTILINE)
    return re.sub(r"^    ", "", block, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def site(tmp_path_factory, certificate):
    """The address of the app behind nginx."""
    directory, port = tmp_path_factory.mktemp("nginx"), free_port()
    crt, key = certificate
    with running_app(directory / "app.log", GRADIO_ROOT_PATH="/charplay") as (_, app_port):
        location = documented_lines("location /charplay/ {").replace("127.0.0.1:7860", f"127.0.0.1:{app_port}")
        user = "user root;" if os.geteuid() == 0 else ""  # its workers write large bodies into this directory
        configuration = directory / "nginx.conf"
        configuration.write_text(
            f"{user} pid {directory}/pid; error_log {directory}/error.log; events {{}}\n"
            f"http {{ access_log off; client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;\n"
            f"fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;\n"
            f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {crt}; ssl_certificate_key {key};\n"
            f"{location} }} }}\n"
        )
        command = [program("nginx"), "-c", str(configuration), "-p", str(directory), "-g", "daemon off;"]
        with running(command, directory / "nginx.log"):
            url = f"https://127.0.0.1:{port}/charplay/"
            wait_for(url, context=ssl.create_default_context(cafile=str(crt)))
            yield url


@pytest.fixture(scope="module")
def browser(launch_browser, certificate):
    """One that trusts the site's certificate.

    With `ignore_https_errors` every connection begins with a refusal, and a browser on a busy machine gives up over
    them now and then: ERR_TOO_MANY_RETRIES.
    """
    command = [program("openssl"), "x509", "-in", str(certificate[0]), "-noout", "-pubkey"]
    pem = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    digest = hashlib.sha256(base64.b64decode("".join(pem.splitlines()[1:-1]))).digest()
    return launch_browser(f"--ignore-certificate-errors-spki-list={base64.b64encode(digest).decode()}")


def test_a_page_at_a_sub_path_answers_as_one_types_and_streams(site, browser):
    context = browser.new_context()
    page = context.new_page()
    failed = []
    page.on("response", lambda response: failed.append(response.url) if response.status >= 400 else None)
    page.goto(f"{site}#tab=names&name=Yamamoto")
    expect(page.locator("#headline")).to_contain_text("Japanese")  # as the link says
    page.locator("#name textarea, #name input").first.fill("Kowalczyk")
    expect(page.locator("#headline")).to_contain_text("Polish")
    page.wait_for_url(f"{site}#name=Kowalczyk")
    page.get_by_role("tab", name="Speech", exact=True).click()
    before = page.locator("#text").inner_text()
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.locator("#text")).not_to_have_text(before)
    assert not [url for url in failed if not url.endswith("/mcp/schema")]
    context.close()


def test_a_saved_link_opens_all_its_tabs_at_a_sub_path(site, browser):
    """That a link opens what was set when it was copied, element by element: test_set_ups.py."""
    width, height = SIZES["projector"]
    context = browser.new_context(viewport={"width": width, "height": height})
    page, failed = context.new_page(), []
    page.on("response", lambda response: failed.append(response.url) if response.status >= 400 else None)
    page.goto(f"{site}#{urlencode(saved_link.FIELDS)}")
    page.locator("#bars .share").first.wait_for()
    made = set_ups.Made(page, {})
    for tab, set_up in set_ups.SET_UPS.items():
        page.evaluate(set_ups.OPEN_TAB, set_up.label)
        if set_up.is_pressed_again:
            page.locator(f"#{set_up.press}").click()
        set_ups.wait_until_settled(page, tab)
        made.links[tab] = set_ups.copied_link(page)
        assert made.links[tab].startswith(f"{site}#")
    assert set_ups.joined(made) == saved_link.FIELDS
    assert not [url for url in failed if not url.endswith("/mcp/schema")]
    context.close()


def test_a_text_comes_in_pieces_and_not_when_it_is_finished(site):
    client = Client(site, ssl_verify=False, verbose=False)
    job = client.submit("My fellow ", length=10 * GENERATION_CHARACTERS, seed=7, api_name="/generate")
    final = job.result()
    assert len(job.outputs()) > 2
    assert final.startswith("My fellow ")
    client.close()


def test_a_file_is_taken_and_can_be_fetched(site):
    content = b"Rossi,Italian\nKowalski,Polish\n" * 1_000
    with httpx.Client(verify=False, timeout=30) as client:
        answer = client.post(f"{site}gradio_api/upload", files={"files": ("rows.csv", content)})
        answer.raise_for_status()
        [path] = answer.json()
        assert client.get(f"{site}gradio_api/file={path}").content == content

"""Title, icon and picture in the page's head."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from fastapi import FastAPI
from PIL import Image

from charplay.ui import page_head

ROOT = "https://school.example/charplay"
PAGE = (
    b"""<!doctype html><html><head><meta charset="utf-8" /><base href="./" />
<meta property="og:title" content="Gradio" />
<meta
   property="og:image"
   content="https://gradio.example/a.jpg"
/><meta name="twitter:creator" content="@Gradio" /><style>b { color: red }</style></head><body>"""
    + b"x" * 9_000
)


def test_gradios_tags_give_way_to_ours():
    page = page_head.described(PAGE, ROOT).decode()
    tags = dict(re.findall(r'<meta (?:property|name)="([^"]+)" content="([^"]*)"', page))
    for gradios in ('"Gradio"', "gradio.example", "@Gradio"):
        assert gradios not in page
    assert (tags["og:title"], tags["og:image"]) == ("charplay", f"{ROOT}/preview.png")
    assert "<title>charplay</title>" in page
    assert "<style>b { color: red }</style></head><body>" + "x" * 9_000 in page


def test_an_address_cannot_add_markup():
    assert "<script>" not in page_head.tags('https://a"><script>')


def test_a_page_that_is_not_gradios_is_left_as_it_is():
    assert page_head.described(b"<p>busy</p>", ROOT) == b"<p>busy</p>"


def test_the_page_keeps_every_other_header_and_has_its_new_length(run_async):
    cookies = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    sent = []

    async def app(scope, receive, send):
        headers = [(b"content-type", b"text/html"), (b"content-length", str(len(PAGE)).encode()), *cookies]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": PAGE})

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": "/", "method": "GET", "root_path": "", "app": FastAPI()}
    scope |= {"scheme": "https", "server": ("school.example", 443), "query_string": b""}
    scope["headers"] = [(b"host", b"school.example")]
    run_async(page_head.PageHead(app)(scope, None, send))
    start, body = sent
    assert [each for each in start["headers"] if each[0] == b"set-cookie"] == cookies
    assert dict(start["headers"])[b"content-length"] == str(len(body["body"])).encode()
    assert b"https://school.example/preview.png" in body["body"]


@pytest.mark.parametrize(("path", "size"), [(page_head.ICON, (512, 512)), (page_head.PICTURE, page_head.PICTURE_SIZE)])
def test_the_images_are_small_and_as_their_drawings(path, size):
    assert path.stat().st_size < 50_000
    with Image.open(path) as image:
        assert image.size == size
    drawing = ElementTree.parse(path.with_suffix(".svg")).getroot()
    assert tuple(map(int, drawing.attrib["viewBox"].split()[2:])) == size

"""Between Gradio's own compression and its files: what a launched app sends is what is on the disk, or its patch."""

from pathlib import Path

import gradio
import httpx
import pytest

from charplay.ui.frontend_patches import FILE_PATCHES, patched

STATIC = Path(gradio.__file__).parent / "templates" / "frontend"
CHUNK_BYTES = 64 * 1024  # in which files are read


def files() -> list[Path]:
    """One of each kind: in one chunk, in several, none of text, larger than what is kept, and the patched ones."""
    scripts = sorted((STATIC / "assets").glob("*.js"), key=lambda file: file.stat().st_size)
    font = next((STATIC / "static").rglob("*.woff2"))
    [module] = STATIC.rglob("ffmpeg-core.wasm")
    changed = [file for file in scripts if file.name.partition("-")[0] in {each.file for each in FILE_PATCHES.values()}]
    assert scripts[-1].stat().st_size > 2 * CHUNK_BYTES > CHUNK_BYTES > changed[0].stat().st_size
    return [next(file for file in scripts if file.stat().st_size > 1_000), scripts[-1], font, module, *changed]


@pytest.mark.parametrize("encoding", ["gzip, deflate, br", "br", "gzip", "identity"])
@pytest.mark.parametrize("file", files(), ids=lambda file: file.name)
def test_a_file_is_what_it_is_on_the_disk_at_every_request(app_url, file, encoding):
    expected = patched(file.name.partition("-")[0], file.read_bytes()) if file.suffix == ".js" else file.read_bytes()
    with httpx.Client(headers={"Accept-Encoding": encoding}) as client:
        for headers in ({}, {}, {"Origin": app_url.rstrip("/")}):
            answer = client.get(f"{app_url}{file.relative_to(STATIC)}", headers=headers)
            assert answer.status_code == 200
            assert answer.content == expected


@pytest.mark.parametrize("encoding", ["gzip, deflate, br", "identity"])
def test_the_page_is_the_same_for_all_in_fewer_bytes_where_that_is_taken(app_url, encoding):
    with httpx.Client(headers={"Accept-Encoding": encoding}) as client:
        pages = [client.get(app_url, params=params) for params in ({}, {"__theme": "dark"}, {})]
    assert len({page.text for page in pages}) == 1
    assert "<title>charplay</title>" in pages[0].text
    sent = [int(page.headers["content-length"]) for page in pages]
    assert all(size < len(page.content) / 4 for size, page in zip(sent, pages, strict=True)) == ("gzip" in encoding)


def test_a_visitors_link_with_values_is_theirs_alone(app_url):
    plain = httpx.get(app_url).text
    for name in ("deep_link", "d%65ep_link"):
        assert '"deep_link_state":"invalid"' in httpx.get(f"{app_url}?{name}=none").text
    assert httpx.get(app_url).text == plain
    assert '"deep_link_state":"none"' in plain

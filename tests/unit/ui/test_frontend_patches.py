"""The patches of the files of Gradio's page."""

import logging
from pathlib import Path

import gradio
import pytest

from charplay.ui import frontend_patches
from charplay.ui.frontend_patches import FILE_PATCHES, PatchedFrontend, patched

ASSETS = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"


@pytest.mark.parametrize("name", FILE_PATCHES)
def test_each_patch_finds_what_it_replaces_in_gradios_files(name, caplog):
    patch = FILE_PATCHES[name]
    files = [file for file in ASSETS.glob("*.js") if file.name.partition("-")[0] == patch.file]
    assert len(files) == 1
    before = files[0].read_text(encoding="utf-8")
    after = patched(patch.file, before.encode()).decode()
    piece = patch.piece.search(before)
    assert after == before.replace(piece[0], patch.replace(piece))
    assert after != before
    assert not caplog.records


def test_another_file_is_sent_as_it_is_and_a_line_is_logged(caplog):
    for patch in FILE_PATCHES.values():
        assert patched(patch.file, b"let a = 1;") == b"let a = 1;"
    unknown = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(unknown) == len(FILE_PATCHES)


def test_what_is_there_twice_is_left(caplog):
    piece = "function f(a,b){if(a.id===b)return a;if(a.children)for(let c of a.children)"
    piece += "{let a=f(c,b);if(a)return a}return null}"
    assert patched("core", piece.encode()) != piece.encode()
    assert patched("core", 2 * piece.encode()) == 2 * piece.encode()


@pytest.fixture
def ask(run_async, monkeypatch):
    """What is sent of a file that is there: (status, headers, body), where "1" is patched to "one"."""
    monkeypatch.setattr(frontend_patches, "patched", lambda file, content: content.replace(b"1", b"one"))

    def one(media_type: bytes, status: int = 200, **headers: bytes):
        sent = []

        async def app(scope, receive, send):
            # What is compressed, or a part, cannot be changed, and what the browser has may be another version.
            assert not dict(scope["headers"]).keys() & {b"accept-encoding", b"range", b"if-none-match"}
            own = [(b"content-type", media_type), (b"content-length", b"4"), (b"etag", b"x"), (b"set-cookie", b"a=1")]
            await send({"type": "http.response.start", "status": status, "headers": own})
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
            await send({"type": "http.response.body", "body": b"=1;"})

        async def send(message):
            sent.append(message)

        named = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
        run_async(
            PatchedFrontend(app)({"type": "http", "path": "/assets/core-Bd-x_0F.js", "headers": named}, None, send)
        )
        start, body = sent
        return start["status"], dict(start["headers"]), body["body"]

    return one


@pytest.mark.parametrize("media_type", [b"text/javascript; charset=utf-8", b"application/javascript"])
def test_a_file_is_patched_whole_and_its_tag_is_not_that_of_gradios(ask, media_type):
    for asked in ({}, {"accept_encoding": b"gzip, br"}, {"range": b"bytes=0-1"}, {"if_none_match": b"x"}):
        status, headers, body = ask(media_type, **asked)
        assert (status, body) == (200, b"a=one;")
        assert headers[b"content-length"] == b"6"
        assert b"etag" not in headers
        assert headers[b"set-cookie"] == b"a=1"


@pytest.mark.parametrize(("media_type", "status"), [(b"text/html", 200), (b"text/javascript", 404)])
def test_what_is_no_such_file_is_sent_as_it_is(ask, media_type, status):
    found, headers, body = ask(media_type, status)
    assert (found, headers[b"content-length"], body) == (status, b"4", b"a=1;")

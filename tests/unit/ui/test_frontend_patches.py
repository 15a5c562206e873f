"""The patches of the files of Gradio's page."""

import gzip
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


@pytest.mark.parametrize("accepted", [b"gzip, br", b""])
@pytest.mark.parametrize("media_type", [b"text/javascript; charset=utf-8", b"application/javascript"])
def test_a_patched_file_has_its_length_and_the_encoding_that_is_accepted(run_async, monkeypatch, accepted, media_type):
    monkeypatch.setattr(frontend_patches, "patched", lambda file, content: content.replace(b"1", b"one"))
    sent = []

    async def app(scope, receive, send):
        assert b"accept-encoding" not in dict(scope["headers"])  # what is compressed cannot be changed
        headers = [(b"content-type", media_type), (b"content-length", b"4"), (b"etag", b"x")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"=1;"})

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": "/assets/core-Bd-x_0F.js", "headers": [(b"accept-encoding", accepted)]}
    run_async(PatchedFrontend(app)(scope, None, send))
    start, body = sent
    headers = dict(start["headers"])
    assert headers[b"content-length"] == str(len(body["body"])).encode()
    assert headers[b"etag"] == b"x"
    assert (headers.get(b"content-encoding") == b"gzip") == bool(accepted)
    assert (gzip.decompress(body["body"]) if accepted else body["body"]) == b"a=one;"

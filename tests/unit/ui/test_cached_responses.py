"""Responses that are cached for everybody."""

import asyncio
import gzip
from collections import Counter

import pytest
from fastapi import FastAPI

from charplay.ui import cached_responses
from charplay.ui.cached_responses import CachedResponses

SCRIPT = "/assets/index-1a2B.js"


class Origin:
    """An app that counts what it is asked, and answers with what it was asked."""

    def __init__(
        self, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = (), media_type: bytes = b"text/css"
    ):
        self.asked: Counter[str] = Counter()
        self._status, self._headers = status, [(b"content-type", media_type), *headers]
        self.is_held = asyncio.Event()
        self.is_held.set()

    async def __call__(self, scope, receive, send):
        self.asked[scope["path"]] += 1
        await self.is_held.wait()
        body = [repr(scope["path"]), repr(scope["query_string"]), repr(sorted(dict(scope["headers"]).items()))]
        own = [(b"etag", b'"of-this-file"'), (b"date", b"yesterday"), *self._headers]
        await send({"type": "http.response.start", "status": self._status, "headers": own})
        for part in body:
            await send({"type": "http.response.body", "body": part.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def get(app, path: str, method: str = "GET", query: str = "", **headers: str) -> tuple[int, dict, bytes]:
    """The status, the headers and the body of what is answered."""
    sent = []

    async def send(message):
        sent.append(message)

    named = {"host": "school.example"} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {"type": "http", "path": path, "method": method, "query_string": query.encode(), "app": FastAPI()}
    scope |= {"scheme": "https", "server": ("school.example", 443), "root_path": ""}
    scope["headers"] = [(name.encode(), value.encode()) for name, value in named.items()]
    await app(scope, None, send)
    start, *rest = sent
    return start["status"], dict(start["headers"]), b"".join(each.get("body", b"") for each in rest)


@pytest.fixture
def ask(run_async):
    return lambda *arguments, **named: run_async(get(*arguments, **named))


@pytest.mark.parametrize("path", ["/", SCRIPT, "/static/js/a.js", "/theme.css"])
def test_what_is_the_same_for_all_is_asked_for_once(ask, path):
    app = CachedResponses(origin := Origin())
    first, second = ask(app, path), ask(app, path)
    assert first == second
    assert origin.asked == {path: 1}
    assert b"date" not in second[1]


PATHS = ["/gradio_api/queue/data", "/gradio_api/file=x/assets/a.js", "/config", "/join", f"/assets/../{SCRIPT}", "//"]


@pytest.mark.parametrize("path", PATHS)
def test_what_differs_or_is_another_name_of_a_file_is_asked_for_each_time(ask, path):
    app = CachedResponses(origin := Origin())
    for _ in range(2):
        ask(app, path)
    assert origin.asked == {path: 2}


OTHERS = [{"method": "POST"}, {"range": "bytes=0-3"}, {"query": "deep_link=x"}, {"query": "d%65ep_link=x"}]


@pytest.mark.parametrize("other", OTHERS)
def test_another_kind_of_request_is_passed_on_and_changes_nothing(ask, other):
    app = CachedResponses(origin := Origin())
    ask(app, "/", **other)
    first = ask(app, "/")
    ask(app, "/", **other)
    assert ask(app, "/") == first
    assert origin.asked == {"/": 3}


def test_nothing_of_one_visitors_request_is_in_what_all_get(ask):
    app = CachedResponses(Origin())
    own = {"cookie": "a=secret", "authorization": "secret", "if_none_match": "secret", "query": "__theme=secret"}
    for path in ("/", SCRIPT):
        assert b"secret" not in ask(app, path, **own)[2]


def test_the_page_is_cached_for_each_address_and_every_file_once(ask):
    app = CachedResponses(origin := Origin())
    for host in ("a.example", "b.example", "a.example"):
        assert host.encode() in ask(app, "/", host=host)[2]
        ask(app, SCRIPT, host=host)
    assert origin.asked == {"/": 2, SCRIPT: 1}


@pytest.mark.parametrize(
    ("media_type", "is_compressed"), [(b"text/css", True), (b"application/javascript", True), (b"image/png", False)]
)
def test_text_is_sent_compressed_to_who_takes_that(ask, media_type, is_compressed):
    app = CachedResponses(Origin(media_type=media_type))
    for _ in range(2):
        _, headers, body = ask(app, SCRIPT, accept_encoding="gzip, br")
        _, plain_headers, plain = ask(app, SCRIPT)
        assert (headers.get(b"content-encoding") == b"gzip") == is_compressed
        assert (headers.get(b"vary") == b"accept-encoding") == is_compressed
        assert (gzip.decompress(body) if is_compressed else body) == plain
        assert b"content-encoding" not in plain_headers
        assert [int(each[b"content-length"]) for each in (headers, plain_headers)] == [len(body), len(plain)]


COOKIE = (b"set-cookie", b"a=1")


@pytest.mark.parametrize(("status", "headers"), [(404, ()), (304, ()), (200, (COOKIE,))])
def test_an_error_and_what_sets_a_cookie_are_not_cached(ask, status, headers):
    app = CachedResponses(origin := Origin(status, headers))
    before = ask(app, "/")
    asked = origin.asked["/"]
    assert ask(app, "/") == before
    assert before[0] == status
    assert origin.asked["/"] == 2 * asked


def test_a_browser_that_has_it_is_told_so_and_one_with_another_version_gets_it(ask):
    app = CachedResponses(Origin())
    tag = ask(app, SCRIPT)[1][b"etag"].decode()
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        status, headers, body = ask(app, SCRIPT, if_none_match=known)
        assert (status, body, headers[b"etag"]) == (304, b"", tag.encode())
    status, _, body = ask(app, SCRIPT, if_none_match='"of-this-file"')
    assert (status, body) == (200, ask(app, SCRIPT)[2])
    assert ask(CachedResponses(Origin(media_type=b"image/png")), "/")[1][b"etag"].decode() != tag


def test_a_class_that_asks_at_once_makes_one_request_and_who_leaves_takes_nothing_with_them(run_async):
    app = CachedResponses(origin := Origin())

    async def ask_at_once():
        origin.is_held.clear()
        pupils = [asyncio.create_task(get(app, "/")) for _ in range(30)]
        while not origin.asked:
            await asyncio.sleep(0)
        pupils[0].cancel()
        origin.is_held.set()
        return await asyncio.gather(*pupils, return_exceptions=True)

    first, *others = run_async(ask_at_once())
    assert isinstance(first, asyncio.CancelledError)
    assert {status for status, *_ in others} == {200}
    assert origin.asked == {"/": 1}
    assert not app._awaited


def test_a_fault_is_for_those_who_asked_and_not_cached(run_async):
    faults = [OSError("gone")]

    async def app(scope, receive, send):
        if faults:
            raise faults.pop()
        await Origin()(scope, receive, send)

    kept = CachedResponses(app)
    with pytest.raises(OSError, match="gone"):
        run_async(get(kept, "/"))
    assert run_async(get(kept, "/"))[0] == 200


def test_what_is_cached_is_bounded_whatever_its_size_and_the_least_recent_goes(ask, monkeypatch):
    monkeypatch.setattr(cached_responses, "MAX_CACHED_BYTES", 10_000)
    app = CachedResponses(origin := Origin())
    for number in range(50):
        ask(app, f"/assets/{number}.js")
        ask(app, "/", host=f"{number}.example")
        ask(app, SCRIPT)
        assert len(app._cached) < 10
    assert app._bytes == sum(each.size(key) for key, each in app._cached.items()) <= 10_000
    assert origin.asked[SCRIPT] == 1
    ask(app, "/assets/0.js")
    assert origin.asked["/assets/0.js"] == 2


def test_a_large_file_is_sent_piece_by_piece_and_not_cached(ask, monkeypatch):
    plain = ask(Origin(), SCRIPT)
    monkeypatch.setattr(cached_responses, "MAX_BODY_BYTES", 50)
    app = CachedResponses(Origin())
    assert [ask(app, SCRIPT) for _ in range(2)] == [plain, plain]
    assert not app._cached

"""Responses that are kept for everybody."""

from collections import Counter

import pytest
from fastapi import FastAPI

from charplay.ui import kept_responses
from charplay.ui.kept_responses import KeptResponses

SCRIPT = "/assets/index-1a2B.js"


class Origin:
    """An app that counts what it is asked, and answers with the path and the host."""

    def __init__(self, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = ()):
        self.asked: Counter[str] = Counter()
        self._status, self._headers = status, headers

    async def __call__(self, scope, receive, send):
        self.asked[scope["path"]] += 1
        headers = dict(scope["headers"])
        body = [scope["path"].encode(), headers[b"host"], headers.get(b"accept-encoding", b"")]
        own = [(b"etag", b'"1"'), (b"date", b"yesterday"), *self._headers]
        await send({"type": "http.response.start", "status": self._status, "headers": own})
        for part in body:
            await send({"type": "http.response.body", "body": part + b" ", "more_body": True})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def ask(run_async):
    """Requests a path of an app: the status, the headers, the body."""

    def one(app, path: str, method: str = "GET", query: str = "", **headers: str):
        sent = []

        async def send(message):
            sent.append(message)

        named = {"host": "school.example"} | {name.replace("_", "-"): value for name, value in headers.items()}
        scope = {"type": "http", "path": path, "method": method, "query_string": query.encode(), "app": FastAPI()}
        scope |= {"scheme": "https", "server": ("school.example", 443), "root_path": ""}
        scope["headers"] = [(name.encode(), value.encode()) for name, value in named.items()]
        run_async(app(scope, None, send))
        start, *rest = sent
        return start["status"], dict(start["headers"]), b"".join(each["body"] for each in rest)

    return one


@pytest.mark.parametrize("path", ["/", SCRIPT, "/static/js/a.js", "/theme.css"])
def test_what_is_the_same_for_all_is_asked_for_once(ask, path):
    app = KeptResponses(origin := Origin())
    first, second = ask(app, path), ask(app, path)
    assert first[2] == second[2]
    assert origin.asked == {path: 1}
    assert b"date" not in second[1]


@pytest.mark.parametrize("path", ["/gradio_api/queue/data", "/gradio_api/file=x/assets/a.js", "/config", "/join"])
def test_what_differs_is_asked_for_each_time(ask, path):
    app = KeptResponses(origin := Origin())
    for _ in range(2):
        ask(app, path)
    assert origin.asked == {path: 2}


@pytest.mark.parametrize(
    "request_", [{"method": "POST"}, {"range": "bytes=0-3"}, {"authorization": "Basic x"}, {"query": "deep_link=x"}]
)
def test_another_kind_of_request_is_passed_on(ask, request_):
    app = KeptResponses(origin := Origin())
    ask(app, "/")
    ask(app, "/", **request_)
    assert origin.asked == {"/": 2}


def test_the_page_is_kept_for_each_address_and_every_file_once(ask):
    app = KeptResponses(origin := Origin())
    for host in ("a.example", "b.example", "a.example"):
        assert host.encode() in ask(app, "/", host=host)[2]
        ask(app, SCRIPT, host=host)
    assert origin.asked == {"/": 2, SCRIPT: 1}


def test_each_encoding_gets_its_own(ask):
    app = KeptResponses(Origin())
    ask(app, SCRIPT, accept_encoding="gzip, br")
    assert ask(app, SCRIPT)[2].split() == [SCRIPT.encode(), b"school.example"]
    assert b"br" in ask(app, SCRIPT, accept_encoding="br, gzip")[2]


@pytest.mark.parametrize("origin", [Origin(status=404), Origin(status=304), Origin(headers=((b"set-cookie", b"a=1"),))])
def test_an_error_and_what_sets_a_cookie_are_not_kept(ask, origin):
    app = KeptResponses(origin)
    assert [ask(app, "/")[2] for _ in range(2)][1]
    assert origin.asked == {"/": 2}


def test_a_browser_that_has_it_is_told_so(ask):
    app = KeptResponses(Origin())
    ask(app, SCRIPT)
    assert (ask(app, SCRIPT, if_none_match='"1"')[0], ask(app, SCRIPT, if_none_match='"1"')[2]) == (304, b"")
    assert ask(app, SCRIPT, if_none_match='"2"')[0] == 200


def test_what_is_kept_is_bounded_and_the_least_recent_goes(ask, monkeypatch):
    monkeypatch.setattr(kept_responses, "MAX_KEPT_BYTES", 100)
    app = KeptResponses(origin := Origin())
    for number in range(50):
        ask(app, f"/assets/{number}.js")
        ask(app, SCRIPT)
        assert sum(len(each.body) for each in app._kept.values()) <= 100
    assert origin.asked[SCRIPT] == 1
    ask(app, "/assets/0.js")
    assert origin.asked["/assets/0.js"] == 2

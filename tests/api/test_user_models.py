"""A page's user models: no other page and no endpoint can use them."""

import json
import secrets
import urllib.request

import pytest

from charplay.data.datasets import COUNTRIES
from charplay.models import checkpoints
from charplay.ui.session_store import STORE
from tests.api.test_files import PATHS, send, upload
from tests.conftest import make_checkpoint


class Page:
    """A page without a browser: its own session, over the events that a browser would send."""

    def __init__(self, app_url: str):
        self.url, self.session = app_url.rstrip("/"), secrets.token_hex(8)
        self.config = json.loads(send(app_url, "GET", "/config")[1])
        self.names = {block["props"].get("elem_id"): block["id"] for block in self.config["components"]}

    def call(self, trigger: str, event: str, data: list) -> dict:
        """The last message of the event of a control; `data` is what its inputs hold."""
        target = [self.names[trigger], event]
        events = (each for each in self.config["dependencies"] if target in each["targets"])
        [number] = [each["id"] for each in events if each["inputs"] and len(each["inputs"]) == len(data)]
        return self._join(number, target[0], data)

    def classify(self, name: str, model: str) -> dict:
        """The last message of the event of the Names tab that shows the bars."""
        held = {block["id"]: block["props"].get("value") for block in self.config["components"]}
        held |= {self.names["name"]: name, self.names["model"]: model}
        [event] = [each for each in self.config["dependencies"] if self.names["bars"] in each["outputs"]]
        return self._join(event["id"], self.names["name"], [held[each] for each in event["inputs"]])

    def _join(self, number: int, trigger: int, data: list) -> dict:
        body = {"data": data, "fn_index": number, "session_hash": self.session, "trigger_id": trigger}
        status, answer = send(
            self.url, "POST", "/gradio_api/queue/join", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        assert status == 200, answer
        with urllib.request.urlopen(f"{self.url}/gradio_api/queue/data?session_hash={self.session}") as messages:
            for line in messages:
                if line.startswith(b"data:"):
                    message = json.loads(line[5:])
                    if message["msg"] == "process_completed":
                        return message
        raise AssertionError("no answer")

    def load(self, content: bytes, name: str = "mine.safetensors") -> dict:
        """Uploads a model and has the page load it."""
        status, answer = upload(self.url, content, name)
        assert status == 200, answer
        [path] = json.loads(answer)
        file = {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}
        return self.call("load", "upload", [file]) | {"uploaded": path}


@pytest.fixture
def model(tmp_path) -> bytes:
    path = tmp_path / "mine.safetensors"
    checkpoints.save(path, make_checkpoint("names"))
    return path.read_bytes()


@pytest.fixture
def mine(app_url, model) -> Page:
    """A page with a user model, called "yours 1"."""
    page = Page(app_url)
    assert page.load(model)["success"]
    assert list(STORE.models(page.session)) == ["yours 1"]
    return page


def test_a_page_tries_its_own_model_and_no_other_page_can(app_url, mine):
    answer = mine.classify("Rossi", "yours 1")
    assert answer["success"]
    shipped = mine.classify("Rossi", "names")
    assert shipped["output"]["data"] != answer["output"]["data"]
    other = Page(app_url)
    assert "not kept here any more" in str(other.classify("Rossi", "yours 1")["output"])
    assert "problem" not in str(mine.call("download", "click", ["yours 1"])["output"]["data"])
    assert "any more" in str(other.call("download", "click", ["yours 1"])["output"])
    assert "problem" not in str(mine.call("try", "click", ["yours 1"])["output"]["data"])
    refused = str(other.call("try", "click", ["yours 1"])["output"]["data"])
    assert 'class="problem"' in refused
    assert "yours 1" not in refused


def test_the_endpoints_see_nothing_of_it(app_url, mine):
    from gradio_client import Client

    client = Client(app_url, verbose=False)
    before = client.predict("Rossi", api_name="/classify")
    assert set(before["probabilities"]) == set(COUNTRIES)
    assert before == client.predict("Rossi", api_name="/classify")
    names = client.view_api(return_format="dict")["named_endpoints"]
    endpoints = ("classify", "prefix_probabilities", "belief", "generate", "surprise", "invent", "compare_batches")
    assert set(names) == {f"/{endpoint}" for endpoint in endpoints}
    client.close()


def test_what_was_uploaded_is_gone_once_it_was_read(app_url, model):
    page = Page(app_url)
    loaded = page.load(model)
    assert loaded["success"]
    status, content = send(app_url, "GET", f"/gradio_api/file={loaded['uploaded']}")
    assert status in (403, 404)
    assert model[:100] not in content


def test_two_pages_that_upload_the_same_file_both_have_it(app_url, model):
    pages = [Page(app_url) for _ in range(2)]
    for _ in pages:
        status, answer = upload(app_url, model, "mine.safetensors")
        assert status == 200
    [path] = json.loads(answer)
    file = {"path": path, "orig_name": "mine.safetensors", "meta": {"_type": "gradio.FileData"}}
    for page in pages:
        assert page.call("load", "upload", [file])["success"]
        assert STORE.models(page.session)


@pytest.mark.parametrize("path", ["/etc/passwd", str(checkpoints.SHIPPED_DIRECTORY / "names.safetensors"), "../app.py"])
def test_no_file_of_the_server_can_be_passed_off_as_an_upload(app_url, path):
    for meta in ({}, {"meta": {"_type": "gradio.FileData"}}):
        page = Page(app_url)
        answer = page.call("load", "upload", [{"path": path, "orig_name": "mine.safetensors"} | meta])
        assert not answer["success"]
        assert STORE.models(page.session) == {}
    assert (checkpoints.SHIPPED_DIRECTORY / "names.safetensors").exists()


def test_a_model_that_is_kept_cannot_be_read_over_http(app_url, mine):
    path = STORE.models(mine.session)["yours 1"].path
    for path_format in PATHS:
        status, content = send(app_url, "GET", path_format.format(absolute=path, relative=path.name))
        assert status in (301, 307, 400, 403, 404, 405, 422), (path_format, status)
        assert path.read_bytes()[:40] not in content

"""The HTTP endpoints of a launched app, through its public queue."""

import itertools
import json
import re
import time
import urllib.request

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from charplay.data.datasets import COUNTRIES
from charplay.data.text import normalize_prose
from charplay.evaluation.metrics import evaluate_speech
from charplay.models import checkpoints

ANSWER_SECONDS = 30  # longest wait for what is answered at once, on a busy machine


@pytest.fixture(scope="module")
def client(app_url):
    client = Client(app_url, verbose=False)
    yield client
    client.close()


def test_the_endpoints_and_no_event_of_a_tab_are_public(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert set(endpoints) == {
        "/classify",
        "/prefix_probabilities",
        "/belief",
        "/generate",
        "/surprise",
        "/invent",
        "/compare_batches",
    }
    parameters = {p["parameter_name"]: p.get("parameter_default") for p in endpoints["/generate"]["parameters"]}
    assert parameters == {
        "prime": None, "temperature": 0.8, "length": 200, "prime_length": None, "top_k": 0, "seed": None, "until": None,
        "held": None,
    }  # fmt: skip


def test_every_parameter_is_described_and_no_tool_is_missed(client, app_url):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    for endpoint in endpoints.values():
        assert all(parameter["python_type"]["description"] for parameter in endpoint["parameters"])
    with urllib.request.urlopen(f"{app_url.rstrip('/')}/gradio_api/mcp/schema", timeout=ANSWER_SECONDS) as response:
        assert json.load(response) == []


def test_classify_gives_eighteen_probabilities(client):
    result = client.predict("Müller", api_name="/classify")
    assert set(result) == {"name", "normalized", "country", "probabilities"}
    assert (result["name"], result["normalized"]) == ("Müller", "Muller")
    assert result["country"] == max(result["probabilities"], key=result["probabilities"].get)
    assert set(result["probabilities"]) == set(COUNTRIES)
    assert sum(result["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_classify_weights_the_countries_by_the_prior(client):
    from_data, equal = (client.predict("Aziza", prior, api_name="/classify") for prior in ("data", "uniform"))
    assert equal["probabilities"]["Russian"] < from_data["probabilities"]["Russian"]
    assert sum(equal["probabilities"].values()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", ["Nguyen", "O'Brien-Yamamoto", "x", "Van der Berg", "é" * 64])
def test_each_column_of_the_prefix_probabilities_is_what_classify_gives_for_the_prefix(client, name):
    table = client.predict(name, api_name="/prefix_probabilities")
    whole = client.predict(name, api_name="/classify")
    assert (table["normalized"], table["countries"]) == (whole["normalized"], list(whole["probabilities"]))
    columns = list(zip(*table["probabilities"], strict=True))
    assert len(columns) == len(whole["normalized"])
    assert list(columns[-1]) == pytest.approx(list(whole["probabilities"].values()), abs=1e-6)
    first = client.predict(whole["normalized"][0], api_name="/classify")
    assert list(columns[0]) == pytest.approx(list(first["probabilities"].values()), abs=1e-6)
    assert client.predict(name, api_name="/belief") == table


def test_generate_streams_the_text_so_far_and_the_same_seed_gives_the_same_text(client):
    job = client.submit("My fellow ", length=4000, seed=7, api_name="/generate")
    final = job.result()
    yields = job.outputs()
    assert len(yields) > 2
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(yields))
    assert final.startswith("My fellow ")
    assert len(final) == len("My fellow ") + 4000
    assert client.predict("My fellow ", length=4000, seed=7, api_name="/generate") == final


def test_generate_holds_a_unit_of_one_text_alone(client, comma_unit):
    free, held = (
        client.submit("My fellow ", length=300, seed=7, held=held, api_name="/generate") for held in (None, comma_unit)
    )
    assert held.result().count(",") > free.result().count(",") + 10
    assert client.predict("My fellow ", length=300, seed=7, api_name="/generate") == free.result()


def test_generate_at_temperature_zero_needs_no_seed(client):
    texts = {client.predict("We the people", 0, 80, api_name="/generate") for _ in range(2)}
    assert len(texts) == 1


@pytest.mark.parametrize(
    "text", ["We choose to go to the moon.", "x", "naïve “quotes” — 한국어\n\n\n{<b>&amp;}", "ab " * 400]
)
def test_surprise_gives_each_character_its_bits_and_their_mean(client, text):
    result = client.predict(text, api_name="/surprise")
    assert result["text"] == normalize_prose(text)
    assert result["characters"] == len(result["text"]) == len(result["bits"])
    first, *bits = result["bits"]
    assert first is None
    assert all(each >= 0 for each in bits)
    if not bits:
        assert result["bits_per_character"] is None
        return
    assert result["bits_per_character"] == pytest.approx(sum(bits) / len(bits), abs=1e-4)
    model = checkpoints.load(checkpoints.SHIPPED_DIRECTORY / "speech.safetensors", "speech").model
    expected = evaluate_speech(model, result["text"])["bits_per_character"]
    assert result["bits_per_character"] == pytest.approx(expected, abs=1e-4)


def test_invent_gives_the_same_names_for_the_same_seed(client):
    first, again, other = (client.predict("Irish", 12, seed=seed, api_name="/invent") for seed in (5, 5, 6))
    assert first == again
    assert (len(first["names"]), first["seed"]) == (12, 5)
    assert first["names"] != other["names"]


def test_compare_batches_gives_the_lectures_batch(client):
    report = client.predict(["adylov", "solan", "hard", "san"], api_name="/compare_batches")
    assert report["order"] == [0, 1, 2, 3]
    assert report["batch_sizes"] == [4, 4, 4, 3, 2, 1]
    assert (len(report["padded"]), len(report["padded"][0]), len(report["packed"])) == (4, 6, 18)
    assert report["padding_fraction"] == pytest.approx(0.25)
    assert report["naive_difference"] > 0.01
    assert report["masked_difference"] < 1e-5


@pytest.mark.parametrize(
    ("endpoint", "arguments", "sentence"),
    [
        ("/classify", {"name": ""}, "at least one letter"),
        ("/classify", {"name": " \t"}, "at least one letter"),
        ("/classify", {"name": "x" * 65}, "at most 64"),
        ("/classify", {"name": "a\0b"}, "control character"),
        ("/classify", {"name": "🙂🙂"}, "romanised"),
        ("/classify", {"name": "한국"}, "romanised"),
        ("/classify", {"name": 7}, "must be a text"),
        ("/classify", {"name": ["Rossi"]}, "must be a text"),
        ("/classify", {"name": None}, "must be a text"),
        ("/classify", {"name": "Rossi", "prior": "mine"}, "prior must be one of data, uniform"),
        ("/classify", {"name": "Rossi", "prior": ["data"]}, "prior must be one of data, uniform"),
        ("/prefix_probabilities", {"name": ""}, "at least one letter"),
        ("/prefix_probabilities", {"name": ["Rossi"]}, "must be a text"),
        ("/prefix_probabilities", {"name": "Rossi", "prior": "mine"}, "prior must be one of data, uniform"),
        ("/generate", {"prime": "x", "temperature": -1}, "temperature must be a number from 0.0 to 2.0"),
        ("/generate", {"prime": "x", "temperature": 1e9}, "temperature must be a number from 0.0 to 2.0"),
        ("/generate", {"prime": "x", "temperature": "hot"}, "temperature must be a number from 0.0 to 2.0"),
        ("/generate", {"prime": "x", "temperature": [1]}, "temperature must be a number from 0.0 to 2.0"),
        ("/generate", {"prime": "x", "length": 1_000_000}, "length must be a whole number from 1 to 10,000"),
        ("/generate", {"prime": "x" * 900_000}, "at most 2,000 characters"),
        ("/generate", {"prime": ""}, "at least one character"),
        ("/generate", {"prime": "x", "seed": "lucky"}, "seed must be"),
        ("/generate", {"prime": "x", "held": [2, 0, 9]}, "held at must be a number from -8.0 to 8.0"),
        ("/generate", {"prime": "x", "held": [2, 512, 1]}, "unit must be a whole number from 0 to 511"),
        ("/generate", {"prime": "x", "held": "2,0,1"}, "must be a layer, a unit and a value"),
        ("/surprise", {"text": ""}, "at least one character"),
        ("/surprise", {"text": "한국어 문장입니다."}, "Latin alphabet"),
        ("/surprise", {"text": "x" * 20_001}, "at most 20,000 characters"),
        ("/surprise", {"text": "x" * 900_000}, "at most 20,000 characters"),
        ("/surprise", {"text": "\ufdfa" * 20_000}, "at most 20,000 characters|Latin alphabet"),
        ("/surprise", {"text": ["x"]}, "must be a text"),
        ("/surprise", {"text": None}, "must be a text"),
        ("/invent", {"country": "Martian"}, "class must be one of"),
        ("/invent", {"country": {"Irish": 1}}, "country must be a text"),
        ("/invent", {"country": "Irish", "count": 101}, "number of names must be a whole number from 1 to 100"),
        ("/invent", {"country": "Irish", "temperature": 3}, "temperature must be a number from 0.0 to 2.0"),
        ("/invent", {"country": "Irish", "seed": -1}, "seed must be"),
        ("/compare_batches", {"names": []}, "1 at least"),
        ("/compare_batches", {"names": ["x"] * 501}, "500 at most"),
        ("/compare_batches", {"names": "Rossi"}, "must be a list"),
        ("/compare_batches", {"names": ["Rossi"], "sort": "yes"}, "true or false"),
    ],
)
def test_bad_input_gets_its_sentence_at_once_and_no_traceback(client, capfd, endpoint, arguments, sentence):
    start = time.monotonic()
    with pytest.raises(AppError, match=sentence):
        client.predict(**arguments, api_name=endpoint)
    assert time.monotonic() - start < ANSWER_SECONDS
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("names", [["solo"], ["anna", "otto"], [f"{'x' * (1 + index % 12)}" for index in range(500)]])
def test_batches_of_one_of_equal_lengths_and_of_five_hundred_work(client, names):
    report = client.predict(names, api_name="/compare_batches")
    assert sum(report["batch_sizes"]) == sum(len(name) for name in names)
    assert report["masked_difference"] < 1e-4


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_not_json_are_refused(app_url, number):
    """Over raw HTTP, since no client library sends it."""
    body = f'{{"data": ["x", {number}, 20, null, 0, 1, null]}}'.encode()
    request = urllib.request.Request(f"{app_url}gradio_api/call/generate", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
        event = json.load(answer)["event_id"]
    with urllib.request.urlopen(f"{app_url}gradio_api/call/generate/{event}", timeout=ANSWER_SECONDS) as answer:
        stream = answer.read().decode()
    assert "event: error" in stream
    assert "temperature must be a number from 0.0 to 2.0" in stream


def test_a_program_that_knows_fewer_parameters_goes_on_working(app_url, client):
    """By position, as the page of the API shows it for curl; its last parameters get their defaults."""
    body = json.dumps({"data": ["My fellow", 0.8, 20, None, 0, 7]}).encode()
    request = urllib.request.Request(f"{app_url}gradio_api/call/generate", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
        event = json.load(answer)["event_id"]
    with urllib.request.urlopen(f"{app_url}gradio_api/call/generate/{event}", timeout=ANSWER_SECONDS) as answer:
        stream = answer.read().decode()
    expected = client.predict("My fellow", length=20, seed=7, api_name="/generate")
    assert "event: complete" in stream
    assert json.dumps(expected) in stream


def test_the_route_that_bypasses_the_queue_is_closed(app_url):
    request = urllib.request.Request(
        f"{app_url}gradio_api/run/classify", b'{"data": ["Rossi"]}', {"Content-Type": "application/json"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=ANSWER_SECONDS)
    assert refused.value.code in (401, 403, 404)


def test_concurrent_requests_do_not_change_each_others_text(client):
    expected = client.predict("We ", length=1500, seed=3, api_name="/generate")
    jobs = [client.submit("We ", length=1500, seed=seed, api_name="/generate") for seed in (3, 4, 3)]
    texts = [job.result() for job in jobs]
    assert texts[0] == texts[2] == expected
    assert texts[1] != expected


def test_the_page_names_itself_to_browsers_and_crawlers_and_serves_its_icon_and_picture(app_url):
    def get(path: str) -> tuple[str, bytes]:
        request = urllib.request.Request(app_url + path, headers={"X-Forwarded-Proto": "https"})
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as response:
            return response.headers.get_content_type(), response.read()

    page = get("")[1].decode()
    assert page.count("og:title") == page.count('og:image"') == 1
    assert f'"{app_url.replace("http:", "https:")}preview.png"' in page
    assert not set(re.findall(r'<meta [^>]*content="[^"]*(Gradio)', page))
    assert get("preview.png")[0] == get("favicon.ico")[0] == "image/png"
    manifest = json.loads(get("manifest.json")[1])
    assert manifest["name"] == "charplay"
    assert {icon["sizes"] for icon in manifest["icons"]} == {"192x192", "512x512"}
    assert all(get(icon["src"].lstrip("/"))[0] == "image/png" for icon in manifest["icons"])

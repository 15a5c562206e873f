"""The Train tab: data is summarized, a model trained, stopped, tried, saved, and loaded again."""

import re

import pytest
from playwright.sync_api import Page, expect

from charplay.data.datasets import COUNTRIES
from charplay.ui import controls
from charplay.ui.example_data import EXAMPLES, words
from tests.browser.conftest import expect_network, go_to_tab, toggle_accordion
from tests.browser.test_look import SMALLEST, check_look

PATIENT = 60_000  # ms: the training worker has to start, on a machine that may be busy
SYLLABLES = {"vowels": "oa", "consonants": "rt"}  # by label
ROWS = "text,label\n" + "\n".join(
    f"{syllable * times},{label}" for label, syllable in SYLLABLES.items() for times in range(1, 13)
)
TEXT = "to be or not to be, that is the question. " * 12


def train_tab(page: Page) -> Page:
    go_to_tab(page, "Train")
    expect(page.locator("#data-summary .tiles")).to_be_visible()
    return page


def choose(page: Page, control: str, choice: str) -> None:
    page.locator(f"#{control}").get_by_text(choice, exact=True).click()


def learn_from(page: Page, kind: str) -> None:
    """Chooses what is learnt from, and waits for its example in the box."""
    choose(page, "data-kind", kind)
    expect(page.locator("#pasted-data textarea")).to_have_value(EXAMPLES[kind])


def paste(page: Page, kind: str, text: str, expected: str) -> None:
    """Pastes into the box and waits for a data summary that contains `expected`."""
    learn_from(page, kind)
    page.locator("#pasted-data textarea").fill(text)
    expect(page.locator("#data-summary")).to_contain_text(expected, timeout=PATIENT)


def train(page: Page) -> None:
    """Trains to the end."""
    runs = page.locator("#runs tbody tr")
    before = runs.count()
    page.locator("#train-start").click()
    expect(runs).to_have_count(before + 1, timeout=PATIENT)
    expect(page.locator("#train-status [data-state=ended]")).to_be_visible()
    expect(page.locator("#train-start")).to_be_enabled()


def open_settings(page: Page) -> None:
    """Opens the settings; Gradio renders the content of an accordion then, and its values a moment later."""
    if not page.locator("#epochs").is_visible():
        toggle_accordion(page, "settings-accordion")
        page.wait_for_timeout(500)


def set_epochs(page: Page, epochs: int) -> None:
    """Chooses the epochs and waits until the page has taken them."""
    open_settings(page)
    box = page.locator("#epochs input[type=number]")
    box.fill(str(epochs))
    box.press("Enter")
    expect(page.locator("#changes textarea, #changes input").first).to_have_value(re.compile(rf'"epochs": ?{epochs}\b'))


def test_the_tab_opens_with_the_summary_of_its_example(open_page):
    page = train_tab(open_page())
    rows = len(words().splitlines()) - 1
    expect(page.locator("#data-summary .tiles b").first).to_have_text(str(rows))
    expect(page.locator("#data-summary")).to_contain_text("English 30, German 30, Italian 30")
    expect(page.locator("#lengths .bars")).to_be_visible()
    expect(page.locator("#data-summary .tiles")).to_contain_text(
        "about", timeout=PATIENT
    )  # the speed has been measured


def test_a_typed_setting_outlives_a_late_summary_and_a_preset_resets_it(open_page):
    page = train_tab(open_page())
    open_settings(page)
    box, changes = page.locator("#epochs input[type=number]"), page.locator("#changes textarea, #changes input").first
    suggested = box.input_value()
    page.locator("#pasted-data textarea").fill(ROWS)
    box.fill("3")  # the summary of the pasted rows has not arrived yet
    expect(page.locator("#data-summary")).to_contain_text("vowels 12", timeout=PATIENT)
    page.wait_for_timeout(500)
    expect(box).to_have_value("3")
    expect(changes).to_have_value('{"epochs":3}')
    box.fill("")
    expect(page.locator("#settings-problem")).to_contain_text("epochs must be")
    choose(page, "preset", "medium")
    expect(page.locator("#hidden-size input[type=number]")).to_have_value("96")
    expect(box).to_have_value(suggested)
    expect(changes).to_have_value("{}")


def test_rows_are_trained_tried_in_names_saved_and_loaded_again(open_page, tmp_path):
    page = train_tab(open_page())
    paste(page, controls.ROWS, ROWS, "vowels 12")
    set_epochs(page, 2)
    train(page)
    expect(page.locator("#losses .scatterlayer .trace")).to_have_count(3)
    expect(page.locator("#user-confusion .ytick text")).to_have_text(["consonants", "vowels"])
    expect(page.locator("#runs tbody tr")).to_have_count(1)
    expect(page.locator("#runs")).to_contain_text("yours 1")
    with page.expect_download() as download:
        page.locator("#download").click()
    assert re.fullmatch(r"charplay-names-gru-1x\d+\.safetensors", download.value.suggested_filename)
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    with page.expect_download() as download:
        page.locator("#save-runs").click()
    head, row = download.value.path().read_text().splitlines()
    assert head.startswith("model,data,network")
    assert row.startswith("yours 1,pasted,GRU 1 x")

    page.locator("#try").click()
    expect(page.locator("#model input")).to_have_value(re.compile("^yours 1: GRU"))
    expect(page.locator("#bars th")).to_have_text(["consonants", "vowels"])
    texts = {line.split(",")[0] for line in ROWS.splitlines()[1:]}
    assert page.locator("#name input").input_value() in texts  # it opens with a text of its own data
    expect(page.locator("#names-score")).not_to_contain_text(str(len(COUNTRIES)))
    page.locator("#name input").fill("oaoa")
    expect_network(page, 4)
    expect(page.locator("#headline b")).to_have_text(re.compile("^(consonants|vowels)$"))
    trained = page.locator("#bars .share").all_text_contents()

    other = train_tab(open_page())  # another page does not see the model, and loads the file
    expect(other.locator("#user-model-description")).to_contain_text("None yet")
    expect(other.locator("#try")).to_be_disabled()
    with other.expect_file_chooser() as chooser:
        other.locator("#load").click()
    chooser.value.set_files(saved)
    expect(other.locator("#user-model-description")).to_contain_text("2 classes")
    other.locator("#try").click()
    expect(other.locator("#bars th")).to_have_text(["consonants", "vowels"])
    other.locator("#name input").fill("oaoa")
    expect_network(other, 4)
    expect(other.locator("#bars .share").first).to_have_text(trained[0])
    assert other.locator("#bars .share").all_text_contents() == trained


def test_on_a_phone_train_scrolls_to_its_progress_and_its_button_shows_that_it_runs(open_page):
    page = train_tab(open_page("phone"))
    paste(page, controls.TEXT, TEXT, "characters: ")
    set_epochs(page, 500)
    start = page.locator("#train-start")
    label = start.inner_text()
    start.click()
    expect(page.locator("#train-status [data-state=running]")).to_be_in_viewport(timeout=PATIENT)
    expect(start).to_be_disabled()
    expect(start).not_to_have_text(label)
    page.locator("#train-stop").click()
    expect(start).to_have_text(label, timeout=PATIENT)
    expect(start).to_be_enabled()


def until_quiet(page: Page, streams: set) -> None:
    """Waits until the page has had no stream open for a second: Gradio ends those of a page about to be left."""
    quiet = 0
    while quiet < 20:
        page.wait_for_timeout(50)
        quiet = 0 if streams else quiet + 1


def test_leaving_asks_first_until_the_trained_model_is_downloaded(open_page):
    page = train_tab(open_page())
    asked, streams = [], set()
    page.on("request", lambda request: streams.add(request) if "queue/data" in request.url else None)
    page.on("requestfinished", lambda request: streams.discard(request))
    page.on("requestfailed", lambda request: streams.discard(request))
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    paste(page, controls.ROWS, ROWS, "vowels 12")
    set_epochs(page, 1)
    train(page)
    expect(page.locator("#unsaved-models textarea, #unsaved-models input").first).to_have_value("1")
    for count, leave in enumerate(("location.reload()", "history.back()"), 1):
        until_quiet(page, streams)
        with page.expect_event("dialog"):
            page.evaluate(f"() => {{ setTimeout(() => {leave}); }}")  # the answer would wait for the dialog's
        expect(page.locator("#runs tbody tr")).to_have_count(1)  # the page is still there
        assert asked == ["beforeunload"] * count
    until_quiet(page, streams)
    with page.expect_download():
        page.locator("#download").click()
    expect(page.locator("#unsaved-models textarea, #unsaved-models input").first).to_have_value("0")
    page.reload()
    # The address opens Train: of the first tab the bars are seen for a moment at most.
    expect(page.get_by_role("tab", name="Train", exact=True)).to_have_attribute("aria-selected", "true")
    expect(page.locator("#pasted-data textarea")).to_be_visible()
    assert len(asked) == 2


def test_a_training_that_could_not_start_is_not_said_of_another_form(open_page):
    page = train_tab(open_page())
    page.locator("#pasted-data textarea").fill("a,x\nb,x")
    problem = page.locator("#data-problem .problem")
    expect(problem).to_be_visible(timeout=PATIENT)
    page.locator("#train-start").click()
    expect(page.locator("#train-status .problem")).to_be_visible(timeout=PATIENT)
    choose(page, "data-kind", controls.TEXT)
    expect(page.locator("#train-status .problem")).to_have_count(0)
    page.locator("#pasted-data textarea").fill(TEXT)
    expect(problem).to_have_count(0, timeout=PATIENT)
    expect(page.locator("#data-summary .tiles")).to_be_visible()


def test_what_is_shown_of_a_trained_model_is_the_kept_one_s(open_page):
    page = train_tab(open_page())
    train(page)
    right, rows = re.search(r"(\d+) of (\d+)", page.locator("#runs tbody td").nth(1).inner_text()).groups()
    cells = page.locator("#user-confusion .heatmap-label text").all_text_contents()
    assert f"{right} of {rows}" in page.locator("#train-status b").nth(1).inner_text()
    labels = page.locator("#user-confusion .ytick text").all_text_contents()
    assert len(cells) >= len(labels)
    page.locator("#try").click()
    expect(page.locator("#bars th")).to_have_text(labels)
    expect(page.locator("#names-score")).to_contain_text(f"{right} of {rows}")
    expect(page.locator(".lead").filter(visible=True)).to_contain_text(str(len(labels)))
    assert "countr" not in page.locator(".lead").filter(visible=True).inner_text()
    expect(page.locator("#name")).to_be_in_viewport()


def test_training_goes_on_from_a_shipped_model_and_then_from_ones_own(open_page):
    page = train_tab(open_page())
    paste(page, controls.TEXT, TEXT, f"{len(TEXT.strip()):,}")
    start = page.locator("#start-from input")
    start.click()
    page.get_by_role("option", name=re.compile("speech-rnn")).click()
    expect(page.locator("#data-summary")).to_contain_text("RNN 1 x 256", timeout=PATIENT)
    expect(page.locator("#preset input").first).to_be_disabled()
    open_settings(page)
    expect(page.locator("#hidden-size input[type=number]")).to_be_disabled()
    expect(page.locator("#hidden-size input[type=number]")).to_have_value("256")
    page.locator("#epochs input[type=number]").fill("1")
    train(page)
    expect(page.locator("#runs tbody")).to_contain_text("RNN 1 x 256")
    start.click()
    page.get_by_role("option", name=re.compile("yours 1")).click()
    expect(start).to_have_value(re.compile("yours 1"))
    choose(page, "data-kind", controls.ROWS)
    expect(start).to_have_value(controls.NEW_NETWORK)
    expect(page.locator("#preset input").first).to_be_enabled()


def test_a_text_is_trained_stopped_and_tried_in_speech(open_page):
    page = open_page()
    go_to_tab(page, "Speech")
    initial = page.locator("#text .text").text_content()
    train_tab(page)
    paste(page, controls.TEXT, TEXT, "characters: ")
    set_epochs(page, 500)
    page.locator("#train-start").click()
    expect(page.locator("#train-start")).to_be_disabled()
    expect(page.locator("#sample .sample")).to_be_visible(timeout=PATIENT)
    page.locator("#train-stop").click()
    expect(page.locator("#train-status [data-state=ended]")).to_contain_text("bits per character", timeout=PATIENT)
    expect(page.locator("#user-model-description")).to_contain_text("yours 1")
    page.locator("#try").click()
    expect(page.locator("#text .text")).not_to_have_text(initial)
    expect(page.locator("#speech-model input")).to_have_value(re.compile("^yours 1: GRU"))
    expect(page.locator("#stats")).to_contain_text(f"{controls.LENGTH.default} of {controls.LENGTH.default}")
    prime = page.locator("#prime textarea").input_value()
    assert prime.strip() in TEXT  # it opens with words of its own data
    generated = page.locator("#text .text").inner_text().removeprefix(prime)
    assert set(generated) <= set(TEXT)  # only what it was trained on can be drawn


def test_a_second_page_sees_its_queue_position_and_trains_when_the_first_page_is_closed(open_page):
    first, second = train_tab(open_page()), train_tab(open_page())
    for page in (second, first):
        page.bring_to_front()  # behind another page it would have a frame a second
        paste(page, controls.TEXT, TEXT, "characters: ")
        set_epochs(page, 500)
    first.locator("#train-start").click()
    expect(first.locator("#train-status")).to_contain_text("Epoch", timeout=PATIENT)
    second.bring_to_front()
    second.locator("#train-start").click()
    expect(second.locator("#queue-position")).to_have_text("1")
    first.close()
    expect(second.locator("#train-status")).to_contain_text("Epoch")
    second.locator("#train-stop").click()
    expect(second.locator("#train-status [data-state=ended]")).to_be_visible(timeout=PATIENT)


@pytest.mark.parametrize(("size", "mode"), [("projector", "light"), ("phone", "dark")])
def test_a_training_fits_the_page_and_can_be_read(open_page, size, mode):
    page = train_tab(open_page(size, mode))
    paste(page, controls.ROWS, ROWS, "vowels 12")
    set_epochs(page, 2)
    train(page)
    page.locator("#user-confusion").scroll_into_view_if_needed()
    expect(page.locator("#user-confusion .ytick text")).to_have_count(2, timeout=PATIENT)
    check_look(page, "Train, rows", SMALLEST[size])
    page.locator("#pasted-data textarea").fill("")  # a pasted text would stay
    paste(page, controls.TEXT, TEXT, "characters: ")
    set_epochs(page, 1)
    train(page)
    expect(page.locator("#sample .sample")).to_be_visible()
    check_look(page, "Train, text", SMALLEST[size])

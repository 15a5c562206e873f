"""With each patch of Gradio off, and with each of its targets renamed, the app starts and answers."""

import logging

import pytest
from gradio_client import Client

from charplay.models import checkpoints
from charplay.ui import gradio_patches
from charplay.ui.gradio_patches import PATCHES, Target
from tests.conftest import launched, make_checkpoint

TARGETS = [(name, target) for name, patch in PATCHES.items() for target in patch.targets]


@pytest.fixture(autouse=True)
def restored():
    """No patch is applied before a test; all are after it."""
    gradio_patches.remove()
    yield
    gradio_patches.remove()
    gradio_patches.apply()


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoints")
    checkpoints.save(path / "names.safetensors", make_checkpoint("names"))
    return path


def answers(directory) -> bool:
    """Whether the app starts, and answers two sessions."""
    with launched(directory) as (demo, url):
        countries = set()
        for _ in range(2):
            client = Client(url, verbose=False)
            countries.add(client.predict("Rossi", api_name="/classify")["country"])
            client.close()
        routers = [route.original_router for route in demo.app.router.routes if hasattr(route, "original_router")]
        assert not gradio_patches.HOT_PATHS or routers[0].routes[0].path.endswith(gradio_patches.HOT_PATHS)
        return len(countries) == 1


def change(monkeypatch, name: str, before: Target, after: Target) -> None:
    patch = PATCHES[name]
    targets = tuple(after if target == before else target for target in patch.targets)
    monkeypatch.setitem(PATCHES, name, patch._replace(targets=targets))


@pytest.mark.parametrize("name", PATCHES)
def test_with_a_patch_off_the_app_answers(monkeypatch, directory, name):
    monkeypatch.delitem(PATCHES, name)
    assert answers(directory)
    assert set(gradio_patches._replaced) == set(PATCHES)


@pytest.mark.parametrize(("name", "target"), TARGETS)
def test_with_a_target_renamed_its_patch_is_left_and_the_app_answers(monkeypatch, directory, caplog, name, target):
    change(monkeypatch, name, target, target._replace(path=f"{target.path}_of_yesterday"))
    assert answers(directory)
    assert set(gradio_patches._replaced) == set(PATCHES) - {name}
    assert [record for record in caplog.records if target.path in record.getMessage()]


@pytest.mark.parametrize(("name", "target"), TARGETS)
def test_a_target_with_other_parameters_is_left(monkeypatch, caplog, name, target):
    before = target.find()[2]
    change(monkeypatch, name, target, target._replace(parameters=(*target.parameters, "another")))
    gradio_patches.apply()
    assert target.find()[2] is before
    assert set(gradio_patches._replaced) == set(PATCHES) - {name}


def test_a_target_in_a_module_that_is_gone_is_left(monkeypatch):
    [target, *_] = PATCHES["statistics"].targets
    change(monkeypatch, "statistics", target, target._replace(module="gradio.queues_of_yesterday"))
    gradio_patches.apply()
    assert "statistics" not in gradio_patches._replaced


def test_another_version_of_gradio_is_left_as_it_is_and_answers(monkeypatch, directory, caplog):
    monkeypatch.setattr(gradio_patches, "KNOWN_VERSIONS", (1,))
    monkeypatch.setattr(gradio_patches, "HOT_PATHS", ())
    assert answers(directory)
    assert gradio_patches._replaced == {}
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) >= len(PATCHES)


def test_an_app_without_known_routes_keeps_their_order(caplog):
    gradio_patches.order_routes(object())
    assert [record for record in caplog.records if "routes" in record.getMessage()]


def test_removing_restores_what_was_there():
    before = [target.find()[2] for _, target in TARGETS]
    gradio_patches.apply()
    assert set(gradio_patches._replaced) == set(PATCHES)
    gradio_patches.remove()
    assert [target.find()[2] for _, target in TARGETS] == before

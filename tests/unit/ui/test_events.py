"""The page's own events, as Gradio holds them."""

from charplay.ui import page


def test_no_component_follows_the_progress_of_an_event_of_the_page():
    demo = page.build()
    followed = [
        (function.name, function.targets)
        for function in demo.fns.values()
        if function.api_visibility == "private" and function.fn is not None and function.show_progress_on != []
    ]
    assert not followed

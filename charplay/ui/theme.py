"""Colours, fonts and CSS: light and dark, and legible from the back row of a classroom."""

from pathlib import Path
from typing import Any

import gradio as gr

ACCENT = "#c2410c"  # the winner's bar
QUIET = "#8792a2"  # the other bars
PAD_CELL = "#cbd0d8"
# After Okabe and Ito: safe for colour-blind readers, and light enough for black text.
CATEGORIES = ("#e69f00", "#56b4e9", "#2fb58a", "#f0e442", "#e5793c", "#d39bbd", "#c9b37e")
AMOUNTS = "Cividis"  # plotly's colour scale for amounts
# Of numbers with a sign, zero in the middle: no grey, which is the colour of pads; dark text is legible on all of it.
DIVERGING: list[list[Any]] = [[0.0, "#3d8fd1"], [0.5, "#f5eed6"], [1.0, "#e0661f"]]
LIGHT_FROM = 0.465  # share of the colour scale from which a cell takes dark text; below it takes light text
INK, PAPER = "#000000", "#ffffff"  # text on light and on dark cells: 4.5:1 everywhere on the scale
FONT = "system-ui, sans-serif"

# Nothing on the page is smaller than 16 px, whatever Gradio calls the size, and in a window of a projector than 18 px.
_SMALLEST = "clamp(16px, (100vw - 900px) * 999, 18px)"
_TEXT = gr.themes.Size(
    name="text_charplay",
    xxs=_SMALLEST,
    xs=_SMALLEST,
    sm=_SMALLEST,
    md=_SMALLEST,
    lg="18px",
    xl="22px",
    xxl="28px",
)


def theme() -> gr.themes.Base:
    """Gradio's base theme with larger sizes, and fonts that every machine has."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.blue,
        neutral_hue=gr.themes.colors.slate,
        text_size=_TEXT,
        spacing_size="sm",
        radius_size="sm",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        body_text_color="*neutral_900",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_label_text_color="*neutral_800",
        block_label_text_color_dark="*neutral_100",
        block_title_text_color="*neutral_800",
        block_title_text_color_dark="*neutral_100",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_text_color="white",
        color_accent="*primary_700",
        block_border_width="0px",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_padding="2px 0px",
        block_shadow="none",
        input_border_width="1px",
        input_border_color="*neutral_400",
        input_border_color_dark="*neutral_500",
        input_background_fill="white",
        input_background_fill_dark="*neutral_900",
    )


def css() -> str:
    """The constants above as custom properties, then every `.css` file under this folder, `theme.css` first."""
    properties = f":root {{ --accent-bar: {ACCENT}; --quiet-bar: {QUIET}; --pad-cell: {PAD_CELL}; }}\n"
    folder = Path(__file__).parent
    files = sorted(folder.rglob("*.css"), key=lambda path: (path.name != "theme.css", path))
    return properties + "".join(path.read_text(encoding="utf-8") for path in files)

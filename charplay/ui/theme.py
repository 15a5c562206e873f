"""Colours, fonts and CSS: light and dark, and legible from the back row."""

import gradio as gr

ACCENT = "#c2410c"  # the winner's bar
QUIET = "#8792a2"  # the bars beside it
PAD_CELL = "#cbd0d8"
# After Okabe and Ito, told apart by the colour-blind, and light enough for dark letters: one name, one colour.
CATEGORIES = ("#e69f00", "#56b4e9", "#2fb58a", "#f0e442", "#e5793c", "#d39bbd", "#c9b37e")
AMOUNTS = "Cividis"
LIGHT_FROM = 0.465  # from here up the scale a cell is light enough for dark text; below it gets light text
INK, PAPER = "#000000", "#ffffff"  # text on light and on dark cells: 4.5:1 everywhere on the scale
FONT = "system-ui, sans-serif"

# Nothing on a page is smaller than 16 px, whatever name Gradio has for the size.
_TEXT = gr.themes.Size(
    name="text_charplay", xxs="16px", xs="16px", sm="16px", md="16px", lg="18px", xl="22px", xxl="28px"
)


def theme() -> gr.themes.Base:
    """Gradio's base theme with our sizes, and fonts that every machine has."""
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


CSS = """
.gradio-container { max-width: 1500px !important; }
.gradio-container > .main, .gradio-container main { padding: 8px 20px 0 !important; }
.gradio-container main, .gradio-container .column, .gradio-container .tabitem { gap: 6px; }
.gradio-container .tabitem { padding: 4px 0 0 !important; }
.gradio-container .form { background: transparent; border: 0; gap: 10px; box-shadow: none; }
.gradio-container p { line-height: 1.4; }
#title { margin: 0; font-size: 18px; }
#title b { font-size: 22px; margin-right: 10px; }
@media (min-width: 900px) { #title-block { text-align: right; margin-bottom: -40px; pointer-events: none; } }
.lead { display: flex; gap: 16px; align-items: center; margin: 0 0 4px; }
.lead svg { flex: none; color: var(--body-text-color); }
.lead p { margin: 0; font-size: 18px; max-width: 1100px; }
.headline { font-size: 22px; min-height: 32px; margin: 0; }
.headline b { color: var(--accent-text); }
.hint { font-size: 18px; }
.note { color: var(--body-text-color-subdued); }
.problem { border-left: 4px solid var(--accent-text); padding: 4px 12px; font-size: 18px; margin: 0; }
:root, .light { --accent-text: #b03a0a; }
.dark { --accent-text: #fb923c; --color-accent: var(--primary-300); }

/* Pictures are made by the server and do not know the mode: their text is coloured here, in-cell text spared. */
.js-plotly-plot [class$="tick"] text, .js-plotly-plot .bartext,
.js-plotly-plot .xtitle, .js-plotly-plot .ytitle, .js-plotly-plot .cbaxis text,
.js-plotly-plot .cbtitle text, .js-plotly-plot .annotation text, .js-plotly-plot .legendtext
  { fill: var(--body-text-color) !important; }
.js-plotly-plot .gridlayer path { stroke: var(--border-color-primary) !important; }
.js-plotly-plot .modebar { display: none !important; }

.cells { display: flex; flex-wrap: wrap; gap: 3px; margin: 4px 0; font-family: ui-monospace, monospace; }
.cells span { border: 1px solid var(--border-color-primary); border-radius: 4px; text-align: center; min-width: 40px;
  padding: 1px 4px; }
.cells span b { display: block; font-size: 20px; white-space: pre; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 4px 0; }
.facts dt { color: var(--body-text-color-subdued); }
.facts dd { margin: 0; max-height: 74px; overflow-y: auto; overflow-wrap: anywhere; }
.facts code, .shift, .tiles code { font-family: ui-monospace, monospace; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr)); gap: 10px; margin: 4px 0; }
.tiles div { border: 1px solid var(--border-color-primary); border-radius: 6px; padding: 6px 10px; line-height: 1.3; }
.tiles b { font-size: 22px; display: block; }
summary { cursor: pointer; }
input[role="combobox"] { text-overflow: ellipsis; padding-right: 28px !important; } /* room for its arrow */
.bottom { align-items: end; }
input[type="range"]::-webkit-slider-thumb { border: 2px solid var(--color-accent) !important; box-sizing: border-box; }
.gradio-container :is(input, textarea, button, summary, a, .text):focus-visible,
.gradio-container label:has(input[type="radio"]:focus-visible)
  { outline: 3px solid var(--color-accent) !important; outline-offset: 1px; }
@media (max-width: 600px) {
  #title span { display: none; }
  .lead { flex-direction: column; align-items: flex-start; gap: 6px; }
  .lead p { font-size: 16px; }
  /* on a phone the bars come right after the name, so that both are in view */
  #names-row { flex-direction: column; }
  #names-row > .column { display: contents; }
  #seen, #names-choices { order: 1; }
  /* where the columns are too narrow for their numbers, a tap tells them */
  .by-letter:has(.xtick:nth-child(9)) .heatmap-label, .by-letter:has(.xtick:nth-child(7)) .bartext { display: none; }
  .work { grid-template-columns: max-content 1fr !important; }
  .work .bar + span { grid-column: 2; }
  .bounded :is(th, td) { white-space: normal !important; padding: 3px 6px !important; }
  .bounded tr > :first-child { min-width: 0 !important; }
  .bounded .mark { display: table; margin: 0 !important; }
  #step-fold:has(.label-wrap.open) { top: -112px !important; } /* what has been read makes room, the slider stays */
  .bounded tr > :last-child { display: none; } /* no room for the pads, which can be counted in the picture */
  .table tr > :first-child { white-space: normal !important; min-width: 130px; }
}

.text { font-size: 18px; line-height: 1.5; white-space: pre-wrap; overflow-wrap: anywhere; min-height: 260px;
  max-height: 460px; overflow-y: auto; border: 1px solid var(--border-color-primary); border-radius: 6px;
  padding: 10px 14px; }
.text { display: flex; flex-direction: column-reverse; } /* keeps its end in view while the text grows */
.text > div { margin-bottom: auto !important; } /* and begins at the top */
#temperatures .text { max-height: 300px; min-height: 200px; }
.unread { color: var(--body-text-color-subdued); font-style: italic; text-decoration: line-through; }
.read { font-weight: 700; text-decoration: underline; text-decoration-color: var(--accent-text);
  text-underline-offset: 4px; }
.copied { background: none; color: inherit; text-decoration: underline 3px var(--accent-text);
  text-underline-offset: 4px; }
.copied::before, .copied::after { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; } /* for who hears the page */
.copied::before { content: " copied: "; }
.copied::after { content: " end of copy "; }
.text.sample { flex-direction: column; min-height: 96px; max-height: 200px; padding: 6px 12px; font-size: 16px; }
#survey .facts dd { max-height: 150px; }
#train-status { min-height: 66px; }
#train-status progress { width: 100%; height: 10px; appearance: none; border: 0; border-radius: 5px; overflow: hidden;
  background: var(--border-color-primary); }
#train-status progress::-webkit-progress-bar { background: var(--border-color-primary); }
#train-status progress::-webkit-progress-value { background: var(--color-accent); }
#train-status progress::-moz-progress-bar { background: var(--color-accent); }
.shift { white-space: pre; overflow: hidden; margin: 2px 0; font-size: 16px; line-height: 1.5; }
.shift .read { font-weight: inherit; }
.caption { margin: 2px 0; }
.screen-reader { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
.inside:not(:has([data-testid="plotly"])) { display: none !important; } /* a picture of nothing */
.heat { position: relative; margin: 8px 0; }
.heat > div { overflow-x: auto; }
.heat table { border-collapse: separate; border-spacing: 1px; width: 100%; table-layout: fixed; border: 0 !important; }
.heat :is(thead, tbody, tr) { border: 0 !important; background: transparent !important; }
.heat :is(th, td) { border: 0 !important; padding: 0 2px !important; height: 24px; line-height: 24px; font-size: 16px;
  text-align: center; font-weight: 400; overflow: hidden; white-space: nowrap; }
.heat tr > th:first-child { width: 104px; text-align: right !important; padding-right: 6px !important; }
.heat td:hover { outline: 2px solid var(--accent-text); }
.heat td:hover::after { content: attr(aria-label); position: absolute; left: 0; bottom: 100%; padding: 0 8px;
  max-width: 100%; overflow: hidden; text-overflow: ellipsis; background: #000; color: #fff; z-index: 1;
  pointer-events: none; }
/* no room for the numbers, nor for more letters; pointing at a cell tells both. Gradio drops what is in a @container */
.heat .many thead th:nth-last-child(-n+2) { width: 52px; }
.heat .many thead th:nth-child(odd):not(:nth-last-child(-n+2)) { visibility: hidden; } /* every other number */
#cells-fold .heat .middling td { font-size: 0 !important; }
#cells-fold .heat .middling td:hover::after { font-size: 16px !important; }
#cells-fold .heat .wide thead th { visibility: hidden; }
@media (max-width: 700px) {
  .heat .middling td { font-size: 0 !important; }
  .heat .middling td:hover::after { font-size: 16px !important; }
  .heat .wide thead th { visibility: hidden; }
  .heat .logits table { min-width: 430px; }
  .heat .many table { min-width: 0; }
  .heat .many thead th:not(:nth-last-child(-n+2)) { visibility: hidden; }
}
.top { margin: 2px 0 2px 26px; list-style: decimal; }
.table { overflow-x: auto; }
.table table { border-collapse: collapse; width: 100%; border: 0 !important; margin: 4px 0; }
.table :is(thead, tbody, tr) { border: 0 !important; background: transparent !important; }
.table th, .table td { text-align: right; padding: 3px 10px; border: 0 !important; font-size: 16px;
  white-space: nowrap; }
.table th { font-weight: 600; white-space: normal; vertical-align: bottom; line-height: 1.2; }
.table th:first-child, .table td:first-child { text-align: left; }
.table tbody td { border-top: 1px solid var(--border-color-primary) !important; }
.table .chosen td { font-weight: 700; color: var(--accent-text); }
/* Batches */
.gradio-container:has(#batch-message .problem) #batch-pictures { opacity: 0.35; } /* of the last good batch */
.scale { float: right; padding-left: 16px; }
.scale i { display: inline-block; width: 160px; height: 14px; margin: 0 8px; vertical-align: -1px; }
#step-fold:has(.label-wrap.open) { position: sticky; top: 0; z-index: 2; /* beside pictures of any height */
  background: var(--body-background-fill) !important; }
.gradio-container:has(#step-fold .label-wrap.open) { overflow: clip !important; } /* hidden, nothing in it sticks */
#batch-pictures .shape-group { clip-path: none; } /* a frame at the edge of a picture is whole */
.work { display: grid; grid-template-columns: max-content minmax(60px, 1fr) max-content; gap: 2px 12px;
  align-items: center; }
.work .bar { display: flex; height: 16px; border: 1px solid var(--border-color-primary); }
.work i { background: var(--color-accent); }
.work .wasted { background: repeating-linear-gradient(45deg, #cbd0d8 0 4px, #8792a2 4px 8px); }
#copy-code { width: max-content; min-width: 120px; }
.bounded { max-height: 400px; max-width: 900px; overflow-y: auto; }
.bounded .mark { border: 1px solid; border-radius: 4px; padding: 0 4px; margin-left: 8px; white-space: nowrap;
  color: inherit !important; }
.bounded th { position: sticky; top: 0; background: var(--body-background-fill); }
.code { max-height: 640px; overflow: auto; margin: 4px 0; padding: 8px 12px; font: 16px/1.4 ui-monospace, monospace;
  border: 1px solid var(--border-color-primary); border-radius: 6px; }
#confusion { overflow-x: auto; }
#confusion .js-plotly-plot { min-width: 640px; }
footer { padding: 4px !important; }
"""

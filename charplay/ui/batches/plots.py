"""One batch -> the three pictures of the Batches tab: the padded rectangle, the packed columns, the flat strip."""

from html import escape

import numpy as np
import plotly.graph_objects as go

from charplay.data.batches import Comparison
from charplay.data.text import decode
from charplay.interpret.packing import CellValues
from charplay.ui import controls
from charplay.ui.batches import time_steps
from charplay.ui.widgets import figures

MAX_VALUE_COLUMNS, MAX_LETTER_COLUMNS = 8, 32  # columns up to which a value, or a letter, has room in a cell
MAX_INDEX_DIGITS = 24  # digits up to which a row of places in the flat data has room
_SHOWN = {" ": "␣", "\0": ""}


class BatchFigures:
    """What the pictures of one batch share: letters, pads, the place of each cell in the flat data, one scale.

    Args:
        comparison: the batch, padded and packed.
        cells: what the cells show, one of `state.CELLS.choices`.
        values: the numbers that they show, unless it is characters.
    """

    def __init__(self, comparison: Comparison, cells: str, values: CellValues | None):
        names = self.names = comparison.names
        self.batch_sizes = comparison.batch_sizes
        codes = comparison.padded.codes
        self.shape = tuple(codes.shape)  # (rows, time)
        self.is_pad = ~comparison.padded.is_real.numpy()
        self.in_values, self.drifts = cells != controls.CHARACTERS, cells == controls.HIDDEN
        # plotly reads a little markup in its texts, so "<" and "&" are escaped there too; it knows no &quot;
        self.letters = np.array(
            [[_SHOWN.get(letter, escape(letter, quote=False)) for letter in decode(row)] for row in codes]
        )

        if cells == controls.CHARACTERS:  # the same colour for the same name, in whatever order the rows are
            first = {name: index for index, name in sorted(zip(comparison.order, names, strict=True), reverse=True)}
            padded = packed = np.broadcast_to(np.array([[first[name]] for name in names]), self.shape)
        else:
            padded, packed = (np.array(values[run], dtype=np.float32) for run in ("padded", "packed"))
        self.padded_values, self.packed_values = padded, packed
        reach = max(float(np.abs(padded).max()), float(np.abs(packed).max()), 1e-6)
        self.scale = (-reach, reach) if self.in_values else None  # one for all three, zero in its middle

        self.cells_in_order = (np.array(comparison.packed_rows), np.array(comparison.packed_steps))
        self.flat_index = np.full(self.shape, -1)  # of each cell in `PackedSequence.data`
        self.flat_index[self.cells_in_order] = np.arange(len(comparison.packed))
        time = self.shape[1]
        self.has_places = not self.in_values and time * len(str(len(comparison.packed) - 1)) <= MAX_INDEX_DIGITS
        self.two_lines = self.has_places and time > MAX_VALUE_COLUMNS  # the place stands under its letter
        # Column t of the packed picture is the first batch_sizes[t] rows, whatever the order of the padded ones.
        self.packed_order = comparison.packed_rows[: comparison.batch_sizes[0]]

    def _numbered(self, between: str) -> np.ndarray:
        """Each letter with its place in the flat data."""
        return np.char.add(np.char.add(self.letters, between), self.flat_index.astype(str))

    def _texts(self, values: np.ndarray, with_places: bool) -> np.ndarray:
        """What stands in the cells of the two rectangles, as much as fits into so many columns."""
        time = self.shape[1]
        if self.in_values:
            shown = [[f"{value + 0.0:.2f}" if time <= MAX_VALUE_COLUMNS else "" for value in row] for row in values]
            return np.array(shown)
        letters = self.letters if time <= MAX_LETTER_COLUMNS else np.full(self.shape, "")
        if with_places and self.has_places:
            letters = self._numbered("<br>" if self.two_lines else " ")
        pad = "pad" if time <= MAX_VALUE_COLUMNS else "·"
        return np.where(self.is_pad, "" if with_places else pad, letters)

    def _hovers(self, values: np.ndarray) -> np.ndarray:
        made = np.empty(self.shape, dtype=object)
        for row, step in np.ndindex(*self.shape):
            letter = self.letters[row, step]
            cell = "pad" if self.is_pad[row, step] else f"{letter}, data[{self.flat_index[row, step]}]"
            value = f"<br>value {values[row, step]:.4f}" if self.in_values else ""
            made[row, step] = f"{escape(self.names[row], quote=False)}, time {step}: {cell}{value}"
        return made

    def padded(self) -> go.Figure:
        """The rectangle (rows, time); in hidden state the outputs of the unpacked run, pads and all."""
        values = self.padded_values
        figure = figures.cells(
            figures.Grid(values, self._texts(values, with_places=False), self._hovers(values), self.is_pad),
            scale=self.scale,
            rows=self.names,
            columns=[str(step) for step in range(self.shape[1])],
            column_title="time",
            two_lines=self.two_lines,
            pads_have_values=self.drifts,
        )
        return _marked(figure, time_steps.columns([self.shape[0]] * self.shape[1]))

    def packed(self) -> go.Figure:
        """The columns of time with the batch shrinking; in hidden state the outputs after `pad_packed_sequence`."""
        values, order = self.packed_values, self.packed_order
        shown = values if self.drifts else np.where(self.is_pad, np.nan, values)
        texts = np.where(self.is_pad & (not self.drifts), "", self._texts(values, with_places=True))
        figure = figures.cells(
            figures.Grid(shown[order], texts[order], self._hovers(values)[order], self.is_pad[order] & self.drifts),
            scale=self.scale,
            rows=[self.names[row] for row in order],
            columns=[f"{step}<br><b>{size}</b>" for step, size in enumerate(self.batch_sizes)],
            column_title="time, <b>batch_sizes</b>",
            two_lines=self.two_lines,
            pads_have_values=self.drifts,
        )
        return _marked(figure, time_steps.columns(self.batch_sizes))

    def strip(self) -> go.Figure:
        """`PackedSequence.data` as it lies in memory, broken into lines."""
        values = self.packed_values
        figure = figures.strip(
            values[self.cells_in_order],
            self._numbered("<br>")[self.cells_in_order],
            self._hovers(values)[self.cells_in_order],
            scale=self.scale,
        )
        return _marked(figure, time_steps.slices(self.batch_sizes))


def _marked(figure: go.Figure, marks: list[dict]) -> go.Figure:
    """Lays the marks of the steps of time on a picture, before the frames of its pads."""
    figure.layout.shapes = [*marks, *figure.layout.shapes]  # update_layout would mend the first of them
    return figure

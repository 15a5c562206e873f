"""One batch -> the three plots of the Batches tab: the padded rectangle, the packed columns, the flat strip."""

from html import escape

import numpy as np
import plotly.graph_objects as go

from charplay.data.batches import Comparison
from charplay.interpret.packing import CellValues
from charplay.ui import controls
from charplay.ui.batches import time_steps
from charplay.ui.html import visible
from charplay.ui.widgets import figures

MAX_VALUE_COLUMNS = 8  # columns up to which a value has room in a cell
MAX_LETTER_COLUMNS = 32  # columns up to which a letter has room
MAX_INDEX_DIGITS = 24  # digits up to which the indices of a row have room
PAD = "\0"  # the character of a pad's code


class BatchFigures:
    """What the plots of one batch share: letters, pads, the index of each cell in the flat data, one scale.

    Args:
        comparison: the batch, padded and packed.
        cells: what the cells show, one of `controls.CELLS.choices`.
        values: the numbers that they show; None for characters.
    """

    def __init__(self, comparison: Comparison, cells: str, values: CellValues | None):
        names = self.names = comparison.names
        self.batch_sizes = comparison.batch_sizes
        self.shape = tuple(comparison.padded.codes.shape)  # (rows, time)
        self.is_pad = ~comparison.padded.is_real.numpy()
        self.has_values = values is not None
        self.pads_have_values = cells == controls.HIDDEN  # the state of the unpacked run drifts on through the pads
        # plotly parses a little HTML in its texts, so "<" and "&" are escaped; it knows no &quot;.
        letters = [[escape(visible(letter), quote=False) for letter in name] for name in names]
        self.letters = np.array([[*row, *[""] * (self.shape[1] - len(row))] for row in letters])

        if values is None:  # the same colour for the same name, whatever the order of the rows
            first = {name: index for index, name in sorted(zip(comparison.order, names, strict=True), reverse=True)}
            padded = packed = np.broadcast_to(np.array([[first[name]] for name in names]), self.shape)
        else:
            padded, packed = np.array(values["padded"], np.float32), np.array(values["packed"], np.float32)
        self.padded_values, self.packed_values = padded, packed
        largest = max(float(np.abs(padded).max()), float(np.abs(packed).max()), 1e-6)
        self.scale = (-largest, largest) if self.has_values else None  # one for all three plots, zero in its middle

        self.packed_cells = (np.array(comparison.packed_rows), np.array(comparison.packed_steps))
        self.flat_index = np.full(self.shape, -1)  # of each cell in `PackedSequence.data`
        self.flat_index[self.packed_cells] = np.arange(len(comparison.packed))
        time = self.shape[1]
        self.has_indices = not self.has_values and time * len(str(len(comparison.packed) - 1)) <= MAX_INDEX_DIGITS
        self.two_lines = self.has_indices and time > MAX_VALUE_COLUMNS  # the index stands under its letter
        # Column t of the packed plot is the first batch_sizes[t] rows, whatever the order of the padded ones.
        self.packed_order = comparison.packed_rows[: comparison.batch_sizes[0]]

    def _letters_with_index(self, separator: str) -> np.ndarray:
        """Each letter with its index in the flat data."""
        return np.char.add(np.char.add(self.letters, separator), self.flat_index.astype(str))

    def _texts(self, values: np.ndarray, with_indices: bool) -> np.ndarray:
        """The text in the cells of the padded or the packed plot, as much as has room."""
        time = self.shape[1]
        if self.has_values:
            texts = [[f"{value + 0.0:.2f}" if time <= MAX_VALUE_COLUMNS else "" for value in row] for row in values]
            return np.array(texts)
        letters = self.letters if time <= MAX_LETTER_COLUMNS else np.full(self.shape, "")
        if with_indices and self.has_indices:
            letters = self._letters_with_index("<br>" if self.two_lines else " ")
        pad = "pad" if time <= MAX_VALUE_COLUMNS else "·"
        return np.where(self.is_pad, "" if with_indices else pad, letters)

    def _hovers(self, values: np.ndarray) -> np.ndarray:
        """The label of each cell that is pointed at."""
        hovers = np.empty(self.shape, dtype=object)
        for row, step in np.ndindex(*self.shape):
            letter = self.letters[row, step]
            cell = "pad" if self.is_pad[row, step] else f"{letter}, data[{self.flat_index[row, step]}]"
            value = f"<br>value {values[row, step]:.4f}" if self.has_values else ""
            hovers[row, step] = f"{escape(self.names[row], quote=False)}, time {step}: {cell}{value}"
        return hovers

    def padded(self) -> go.Figure:
        """The rectangle (rows, time); for hidden states the outputs of the unpacked run, those at the pads included."""
        values = self.padded_values
        figure = figures.cells(
            figures.Grid(values, self._texts(values, with_indices=False), self._hovers(values), self.is_pad),
            scale=self.scale,
            rows=self.names,
            columns=[str(step) for step in range(self.shape[1])],
            column_title="time",
            two_lines=self.two_lines,
            pads_have_values=self.pads_have_values,
        )
        return _with_marks(figure, time_steps.columns([self.shape[0]] * self.shape[1]))

    def packed(self) -> go.Figure:
        """The time steps with the batch shrinking; for hidden states the outputs of `pad_packed_sequence`."""
        values, order = self.packed_values, self.packed_order
        shown = values if self.pads_have_values else np.where(self.is_pad, np.nan, values)
        texts = np.where(self.is_pad & (not self.pads_have_values), "", self._texts(values, with_indices=True))
        figure = figures.cells(
            figures.Grid(
                shown[order], texts[order], self._hovers(values)[order], self.is_pad[order] & self.pads_have_values
            ),
            scale=self.scale,
            rows=[self.names[row] for row in order],
            columns=[f"{step}<br><b>{size}</b>" for step, size in enumerate(self.batch_sizes)],
            column_title="time, <b>batch_sizes</b>",
            two_lines=self.two_lines,
            pads_have_values=self.pads_have_values,
        )
        return _with_marks(figure, time_steps.columns(self.batch_sizes))

    def strip(self) -> go.Figure:
        """`PackedSequence.data` in the order of memory, broken into lines."""
        values = self.packed_values
        figure = figures.strip(
            values[self.packed_cells],
            self._letters_with_index("<br>")[self.packed_cells],
            self._hovers(values)[self.packed_cells],
            scale=self.scale,
        )
        return _with_marks(figure, time_steps.slices(self.batch_sizes))


def _with_marks(figure: go.Figure, marks: list[dict]) -> go.Figure:
    """Adds the marks of the time steps, before the frames of its pads."""
    figure.layout.shapes = [*marks, *figure.layout.shapes]  # update_layout would merge into the shapes there are
    return figure

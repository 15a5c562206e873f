// What an element of the page shows as rows of cells, and rows as CSV.

// A label of plotly, which parses a little HTML, as plain text; such a document runs and loads nothing.
const plain = markup => new DOMParser().parseFromString(String(markup ?? '').replaceAll('<br>', ' '), 'text/html').body.textContent;

const axisKey = (letter, id) => `${letter}axis${id?.slice(1) ?? ''}`;

// What stands at a place of an axis: its label where it has one.
function labelAt(axis, value) {
  const at = axis?.tickvals?.findIndex?.(tick => tick === value) ?? -1;
  return plain(at >= 0 && axis.ticktext ? axis.ticktext[at] : value);
}

function rowsOfPlot(plot) {
  const traces = plot._fullData, layout = plot.layout, hasNames = plot.data.some(trace => trace.name);
  const title = (letter, other) => plain(layout[`${letter}axis`]?.title?.text) || other;
  if (traces.some(trace => trace.type === 'heatmap')) return rowsOfHeatmaps(traces, layout, title);
  const isAcross = traces.some(trace => trace.orientation === 'h'), axes = isAcross ? ['y', 'x'] : ['x', 'y'];
  const points = traces.flatMap((trace, index) => Array.from(trace.y, (_, at) => [
    ...(hasNames ? [plain(plot.data[index].name)] : []), ...axes.map(letter => plain(trace[letter]?.[at] ?? at))]));
  return [[...(hasNames ? ['series'] : []), ...axes.map(letter => title(letter, letter))], ...points];
}

function rowsOfHeatmaps(traces, layout, title) {
  const hasPanels = Boolean(layout.yaxis2), hasNumbers = layout.meta?.has_numbers ?? true;
  const hasTexts = traces.some(({text}) => text?.some?.(row => row.some?.(Boolean)));
  const rows = traces.flatMap(({z, x, y, text, xaxis, yaxis}) => Array.from(z ?? []).flatMap((row, down) =>
    Array.from(row).flatMap((value, across) => value === null || Number.isNaN(value) ? [] : [[
      ...(hasPanels ? [plain(layout.annotations?.[(parseInt(yaxis.slice(1)) || 1) - 1]?.text)] : []),
      labelAt(layout[axisKey('y', yaxis)], y?.[down] ?? down), labelAt(layout[axisKey('x', xaxis)], x?.[across] ?? across),
      ...(hasNumbers ? [value] : []), ...(hasTexts ? [plain(text?.[down]?.[across])] : [])]])));
  return [[...(hasPanels ? ['part'] : []), title('y', 'row'), title('x', 'column'),
    ...(hasNumbers ? ['value'] : []), ...(hasTexts ? ['text'] : [])], ...rows];
}

function cellText(cell) {
  const text = cell.textContent.trim().replace(/\s+/g, ' '); // of hidden heads, too
  return cell.dataset.value ?? (text || (cell.querySelector('[title]')?.title ?? cell.getAttribute('aria-label') ?? ''));
}

const rowsOfTable = table => [
  ...(table.dataset.head ? [table.dataset.head.split(',')] : []), ...[...table.rows].map(row => [...row.cells].map(cellText))];

function rowsOf(element) {
  if (element.exportRows) return element.exportRows();
  const own = element.matches('[data-rows]') ? element : element.querySelector('[data-rows]');
  if (own) return JSON.parse(own.dataset.rows);
  if (element.matches('.js-plotly-plot')) return rowsOfPlot(element);
  return [element, ...element.querySelectorAll('table')].filter(each => each.matches('table')).flatMap(rowsOfTable);
}

// A text that begins like a formula gets an apostrophe before it, which a spreadsheet hides.
function csvCell(value) {
  let text = String(value ?? '');
  const number = text.replace('−', '-');
  if (/^[-+]?\d+(\.\d+)?(e[-+]?\d+)?$/i.test(number)) return number;
  if (/^[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const csvOf = rows => rows.map(row => `${row.map(csvCell).join(',')}\n`).join('');

// Runs once in the page: `element`, `props`, `watch` and `trigger` are Gradio's. Python puts a number in MISSING's place.
const box = element.querySelector('.colored-text'), readout = element.querySelector('.readout');
let content = null, characters = [], numbers = [], cells = [], selected = 0;

// A character that is written from the right would turn what follows it in the sentence: it is isolated.
const isolated = character => /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(character) ? `\u2068${character}\u2069` : character;
const quoted = character =>
  ({' ': 'space', '\n': 'newline', '\t': 'tab', '': 'the end'})[character] ?? `“${isolated(character)}”`;
const percentOrOdds = p => p < 0.0005 ? `1 in ${Number((1 / p).toPrecision(2)).toLocaleString('en')}`
  : `${(100 * p).toFixed(p < 0.01 ? 2 : 1)} %`;
const format = {
  surprise: number => `${number.toFixed(2)} bits, a probability of ${percentOrOdds(2 ** -number)}`,
  activation: number => `activation ${number.toFixed(3)}`,
  change: number => `without it ${Math.abs(number).toFixed(2)} bits ${number < 0 ? 'less' : 'more'}`,
  gradient: number => `gradient norm ${number.toFixed(3)}`,
};

function describe(index) {
  if (index === characters.length) return 'After the last character';
  const position = `Character ${(index + 1).toLocaleString('en')}, ${quoted(characters[index] ?? '')}: `;
  if (numbers[index] === MISSING) return position + content.missing[index === selected ? 'selected' : 'other'];
  return position + format[content.scale](numbers[index] / content.factor);
}

function show(index) {
  if (content) readout.textContent = describe(index);
}

function select(index, isByUser) {
  cells[selected]?.classList.remove('selected');
  selected = Math.max(0, Math.min(index, cells.length - 1));
  cells[selected].classList.add('selected');
  box.setAttribute('aria-valuenow', selected + 1);
  box.setAttribute('aria-valuetext', describe(selected));
  show(selected);
  if (isByUser) {
    cells[selected].scrollIntoView({block: 'nearest'});
    trigger('pick');
  }
}

function newCell(text) {
  const cell = document.createElement('i');
  cell.textContent = text;
  cell.index = cells.push(cell) - 1;
  return cell;
}

// One block for each line of the text, one cell for each character.
function build(text, withEnd) {
  const lines = document.createDocumentFragment();
  cells = [];
  for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const block = document.createElement('div');
    block.dir = 'auto';
    for (const character of line) block.append(newCell(character === '\n' ? '↵' : character));
    lines.append(block);
  }
  if (withEnd) {
    const startsLine = text.endsWith('\n') || !lines.lastChild;
    const block = startsLine ? lines.appendChild(document.createElement('div')) : lines.lastChild;
    block.append(newCell('▯'));
  }
  box.replaceChildren(lines);
  box.scrollTop = 0;
}

function render() {
  const next = props.value ? JSON.parse(props.value) : null;
  if (!next) {
    content = null;
    cells = [];
    box.replaceChildren();
    readout.textContent = '';
    return;
  }
  const isNew = !content || content.text !== next.text;
  content = next;
  characters = [...next.text]; // of which some are two units of JavaScript's strings
  numbers = new Int16Array(Uint8Array.from(atob(next.numbers), character => character.charCodeAt(0)).buffer);
  if (isNew) build(next.text, next.withEnd);
  box.setAttribute('aria-valuemax', cells.length);
  const edges = next.edges.map(edge => edge * next.factor);
  for (let index = 0; index < numbers.length; index++) {
    let level = 0;
    while (level < edges.length && numbers[index] >= edges[level]) level++;
    cells[index].className = numbers[index] === MISSING ? '' : `l${level}`;
  }
  const isLate = !isNew && next.isOfSelected && next.selected !== selected; // another one was selected meanwhile
  select(isNew ? next.selected : selected, false);
  if (isLate) trigger('pick');
}

// The nearest cell on the line above (direction -1) or below (1), as the browser breaks the lines.
function vertical(direction) {
  const from = cells[selected].getBoundingClientRect();
  const top = cell => Math.round(cell.getBoundingClientRect().top);
  const distance = cell => Math.abs(cell.getBoundingClientRect().left - from.left);
  let index = selected, best = selected, line = null;
  while (cells[index += direction]) {
    const cellTop = top(cells[index]);
    if (cellTop === Math.round(from.top)) continue;
    line ??= cellTop;
    if (cellTop !== line) break;
    if (best === selected || distance(cells[index]) < distance(cells[best])) best = index;
  }
  return best;
}

const step = () => (cells[selected].matches(':dir(rtl)') ? -1 : 1); // to the right
const targets = {
  ArrowLeft: () => selected - step(),
  ArrowRight: () => selected + step(),
  ArrowUp: () => vertical(-1),
  ArrowDown: () => vertical(1),
  Home: () => 0,
  End: () => cells.length - 1,
};
box.addEventListener('pointerover', event => show(event.target.index ?? selected));
box.addEventListener('pointerleave', () => show(selected));
box.addEventListener('click', event => {
  if (event.target.index !== undefined) select(event.target.index, true);
});
box.addEventListener('keydown', event => {
  const target = targets[event.key];
  if (!content || !target || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  select(target(), true);
});
// For exports.js.
box.exportRows = () => [['number', 'character', content.scale], ...characters.map((character, index) => [
  index + 1, character, numbers[index] === MISSING ? '' : numbers[index] / content.factor])];
watch('value', render);
render();

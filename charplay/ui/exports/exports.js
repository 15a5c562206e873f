// A button at each plot and table that saves it as PNG, SVG or CSV. `exportTable` (Python puts it before this) names
// what can be saved, and where its button stands. All is made in the browser.
const CONTENT = '.heatmap, table, .ticks, .js-plotly-plot, svg.network, .curves, .unrolled, .update-counts, .invented-list, '
  + '.colored-text:not(:empty), [data-request]';
const LABELS = {png: 'PNG image', svg: 'SVG drawing', csv: 'CSV table', json: 'JSON, to generate it again', txt: 'Text'};
const ICON = '<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d="M8 1v9M4 6.5 8 10.5l4-4M2 11v3.5h12V11" '
  + 'fill="none" stroke="currentColor" stroke-width="1.8"/></svg>';
const MAX_INPUT_CHARACTERS = 40; // of what was typed, in a file's name
const ATTACH_MILLISECONDS = 200; // after a change of the page

function contentOf(element) {
  const shown = [...element.querySelectorAll(CONTENT)].filter(each => each.checkVisibility());
  return shown.filter(each => !shown.some(other => other !== each && other.contains(each)));
}

const slug = text => text.normalize('NFC').replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-+|-+$/g, '');

function typedOn(tab) {
  const box = document.getElementById(exportTable.namedBy[tab]);
  const field = box?.querySelector('input:checked') ?? box?.querySelector('textarea, input');
  return slug([...(field?.value ?? '')].slice(0, MAX_INPUT_CHARACTERS).join(''));
}

const fileName = (tab, name, format) => `${['charplay', tab, slug(name), typedOn(tab)].filter(Boolean).join('-')}.${format}`;

function download(content, name, type) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], {type}));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// A text and what generates it again; the tab's own text, of which the page shows the end, is whole in a hidden field.
function generatedText(element) {
  const settings = JSON.parse(element.dataset.request);
  if (element.id === 'seed-used') {
    const field = document.querySelector('#generated-text textarea').value;
    return {...settings, text: field.slice(field.indexOf('\n') + 1)};
  }
  const copy = element.cloneNode(true);
  for (const mark of copy.querySelectorAll('mark')) if (mark.textContent === '↵') mark.remove(); // the line's end follows
  const {length} = [...copy.textContent]; // characters, as Python counts them; of a stopped text, fewer than requested
  return {...settings, ...(length && settings.length ? {length} : {}), text: settings.prime + copy.textContent};
}

const SAVERS = {
  csv: content => [content.map(rowsOf).filter(rows => rows.length).map(csvOf).join('\n'), 'text/csv'],
  svg: (content, title) => [renderSvg(content, title).text, 'image/svg+xml'],
  png: async (content, title) => [await renderPng(renderSvg(content, title)), 'image/png'],
  json: content => [`${JSON.stringify(content.length > 1 ? content.map(generatedText) : generatedText(content[0]), null, 2)}\n`,
    'application/json'],
  txt: ([content]) => [generatedText(content).text, 'text/plain'],
};

async function save(entry, format) {
  const element = document.getElementById(entry.element);
  const [made, type] = await SAVERS[format](contentOf(element), `${entry.name} ${typedOn(entry.tab)}`);
  download(made, fileName(entry.tab, entry.name, format), type);
}

// --- The menu: one for all buttons ---

const menu = document.createElement('div');
menu.id = 'export-menu';
menu.popover = 'auto';
menu.setAttribute('role', 'menu');
document.body.append(menu);

function openMenu(button, entry) {
  menu.setAttribute('aria-label', `Save the ${entry.name} as`);
  menu.replaceChildren(...entry.formats.map(format => {
    const item = document.createElement('button');
    item.type = 'button';
    item.setAttribute('role', 'menuitem');
    item.dataset.format = format;
    item.textContent = LABELS[format];
    item.addEventListener('click', () => {
      menu.hidePopover();
      button.focus();
      save(entry, format);
    });
    return item;
  }));
  menu.showPopover();
  const at = button.getBoundingClientRect(), {offsetWidth: width, offsetHeight: height} = menu;
  menu.style.left = `${Math.max(Math.min(at.right - width, innerWidth - width - 8), 8)}px`;
  menu.style.top = `${at.bottom + height + 4 < innerHeight ? at.bottom + 4 : Math.max(at.top - height - 4, 8)}px`;
  menu.firstChild.focus();
}

menu.addEventListener('keydown', event => {
  const items = [...menu.children], at = items.indexOf(document.activeElement);
  const to = {ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1}[event.key];
  if (event.key === 'Tab') menu.hidePopover();
  if (to === undefined) return;
  event.preventDefault();
  items.at(to % items.length).focus();
});

function makeButton(entry) {
  const button = document.createElement('button'), label = `Save the ${entry.name}`;
  button.type = 'button';
  button.className = `export ${entry.corner}`;
  button.title = label;
  button.setAttribute('aria-label', label);
  button.setAttribute('aria-haspopup', 'menu');
  button.innerHTML = ICON;
  button.addEventListener('click', () => openMenu(button, entry));
  return button;
}

// Gradio makes a part of the page when it is first shown, and may make it anew.
function attach() {
  for (const entry of exportTable.entries) {
    const element = document.getElementById(entry.element), place = document.getElementById(entry.place);
    if (!element || !place) continue;
    if (entry.button?.parentElement !== place) place.append(entry.button = makeButton(entry));
    if (entry.shownBy !== element && element !== place) {
      for (const [event, isNear] of [['pointerenter', true], ['pointerleave', false]]) {
        element.addEventListener(event, () => entry.button.classList.toggle('is-near', isNear));
      }
    }
    entry.shownBy = element;
    entry.button.hidden = !contentOf(element).length;
  }
}

let attaching = null;
function attachSoon() {
  attaching ??= setTimeout(() => {
    attaching = null;
    attach();
  }, ATTACH_MILLISECONDS);
}
new MutationObserver(attachSoon).observe(document.body, {childList: true, subtree: true});
document.addEventListener('toggle', attachSoon, true);
attach();

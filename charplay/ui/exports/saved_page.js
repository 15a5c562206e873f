// What the open tab shows as one HTML page of its own: texts, tables and drawings with their styles in it, plots as
// drawings. Only known elements and attributes are copied, one by one, and the page allows neither scripts nor requests.
const KEPT_ELEMENTS = new Set(['b', 'bdi', 'br', 'code', 'dd', 'details', 'div', 'dl', 'dt', 'em', 'h2', 'h3', 'i', 'li', 'ol',
  'p', 'pre', 'q', 's', 'small', 'span', 'strong', 'sub', 'summary', 'sup', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'u', 'ul']);
const KEPT_ATTRIBUTES = ['aria-label', 'class', 'colspan', 'data-label', 'dir', 'lang', 'open', 'rowspan', 'scope', 'style',
  'title', 'translate'];
const NOT_COPIED = 'a, input, textarea, select, script, style, template, iframe, .examples, .export, .about';
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
const PAGE_WIDTH = 1200; // px at most
const BASE_CSS = `body { margin: 0; }
.gradio-container { max-width: ${PAGE_WIDTH}px; margin: 0 auto; padding: 16px; line-height: 1.4; }
.gradio-container h1 { font-size: 24px; margin: 0; } .gradio-container h2 { font-size: 20px; margin: 24px 0 4px; }
.gradio-container :is(p, ol, ul, dl) { margin: 6px 0; }
.gradio-container .row { display: flex; flex-wrap: wrap; gap: 8px 28px; }
.gradio-container .column { min-width: 0; }
.gradio-container img { display: block; max-width: 100%; height: auto; }
.gradio-container :is(.text, .bounded, .colored-text, .code, .facts dd, .invented-list) { max-height: none; height: auto; min-height: 0; }
.gradio-container .colored-text div { content-visibility: visible; }
.gradio-container a { color: inherit; overflow-wrap: anywhere; }
.gradio-container .settings { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
.gradio-container .settings dd { white-space: pre-wrap; max-height: 12em; overflow-y: auto; }`;

function imageOf(plot) {
  const {text, width, height} = renderSvg([plot], 'plot'), image = document.createElement('img');
  const entry = exportTable.entries.find(each => document.getElementById(each.element)?.contains(plot));
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  image.alt = entry?.name ?? 'plot';
  image.width = width;
  image.height = height;
  return image;
}

function copyContent(node) {
  if (node.nodeType === Node.TEXT_NODE) return document.createTextNode(node.data);
  if (node.nodeType !== Node.ELEMENT_NODE || node.matches(NOT_COPIED) || node.hidden) return '';
  if (node.localName === 'svg') return copyShape(node, {}, true) ?? '';
  const children = [...node.childNodes].map(copyContent);
  const name = node.localName === 'button' ? 'span' : node.localName, isKnown = KEPT_ELEMENTS.has(name);
  const copy = isKnown ? document.createElement(name) : document.createDocumentFragment();
  for (const key of isKnown ? KEPT_ATTRIBUTES : []) {
    if (node.hasAttribute(key)) copy.setAttribute(key, node.getAttribute(key));
  }
  copy.append(...children);
  return copy;
}

// Of Gradio's own elements only rows, columns and the titles of open accordions are left; in place of the first control
// stand the values of all (`settings`).
function copyLayout(node, settings) {
  if (node.nodeType !== Node.ELEMENT_NODE || node.matches(NOT_COPIED)) return [];
  if (node.matches('.label-wrap.open')) {
    const title = document.createElement('h2');
    title.textContent = node.querySelector('span').textContent.trim();
    return [title];
  }
  if (!node.checkVisibility()) return [];
  if (node.matches('.js-plotly-plot')) return [imageOf(node)];
  if (node.matches('.html-container > div')) {
    const content = copyContent(node);
    return content.textContent.trim() || content.querySelector('svg') ? [content] : [];
  }
  if (node.matches('.block') && node.querySelector(':scope :is(input, textarea)')) return settings.splice(0);
  const children = [...node.childNodes].flatMap(child => copyLayout(child, settings));
  if (!node.matches('.row, .column') || !children.length) return children;
  const copy = document.createElement('div');
  copy.className = node.matches('.row') ? 'row' : 'column';
  if (copy.className === 'column') {
    const {width} = node.getBoundingClientRect(), whole = node.closest('[role="tabpanel"]').getBoundingClientRect().width;
    copy.style.flex = `${Math.round(width)} 1 ${Math.round(0.8 * width * Math.min(1, PAGE_WIDTH / whole))}px`;
  }
  copy.append(...children);
  return [copy];
}

// --- Styles: those of our own rules that something in the copy matches, and the values of their variables ---

function rulesFor(rules, root) {
  return [...rules].map(rule => {
    if (rule instanceof CSSMediaRule) {
      const inside = rulesFor(rule.cssRules, root);
      return inside && `@media ${rule.conditionText} { ${inside} }`;
    }
    if (!(rule instanceof CSSStyleRule)) return '';
    const selector = rule.selectorText.replace(/::?[\w-]+(\([^()]*\))?/g, part => /^:(is|not|has|where|nth|first|last)/.test(part) ? part : '');
    try {
      return root.querySelector(selector || '*') ? rule.cssText : '';
    } catch {
      return '';
    }
  }).filter(Boolean).join('\n');
}

function stylesFor(root) {
  const own = [...document.styleSheets].filter(sheet => !sheet.href && sheet.ownerNode?.textContent.includes('--accent-bar'));
  const css = `${BASE_CSS}\n${own.map(sheet => rulesFor(sheet.cssRules, root)).join('\n')}`;
  const page = getComputedStyle(document.querySelector('.gradio-container')), names = new Set(css.match(/--[\w-]+(?=[,)])/g));
  const variables = [...names].map(name => [name, page.getPropertyValue(name)]).filter(([, value]) => value)
    .map(([name, value]) => `${name}: ${value};`).join(' ');
  const ground = backgroundOf(document.querySelector('.gradio-container'));
  const body = `body { background: ${ground}; color: ${page.color}; font: 18px ${page.fontFamily}; }`;
  return `:root { ${variables} }\n${body}\n${css}`;
}

// --- The page ---

function listSettings(settings) {
  const list = document.createElement('dl');
  list.className = 'facts settings';
  for (const {label, value} of settings) {
    if (value === null || value === undefined || value === '') continue;
    const term = document.createElement('dt'), shown = document.createElement('dd');
    term.textContent = label;
    shown.textContent = typeof value === 'boolean' ? (value ? 'yes' : 'no') : value;
    list.append(term, shown);
  }
  return list;
}

function savePage(values) {
  const {tab, label, link, settings, missing} = charplayLinks.describe(values);
  const panel = [...document.querySelectorAll('[role="tabpanel"]')].find(each => each.checkVisibility());
  const root = document.createElement('div'), title = `charplay: ${label}`;
  root.className = 'gradio-container';
  const head = document.createElement('h1'), saved = document.createElement('p'), again = document.createElement('a');
  head.textContent = title;
  again.href = link;
  again.textContent = link;
  const without = missing.length ? ` The link lacks: ${missing.join(', ')}.` : '';
  saved.append(`Saved on ${new Date().toISOString().slice(0, 10)}. Open it again: `, again, without);
  root.append(head, saved, ...copyLayout(panel, [listSettings(settings)]));
  const made = document.implementation.createHTMLDocument(title), style = made.createElement('style');
  made.documentElement.lang = 'en';
  style.textContent = stylesFor(root);
  const metas = [{charset: 'utf-8'}, {'http-equiv': 'Content-Security-Policy', content: POLICY},
    {name: 'viewport', content: 'width=device-width, initial-scale=1'}];
  made.head.prepend(...metas.map(each => {
    const meta = made.createElement('meta');
    for (const [name, value] of Object.entries(each)) meta.setAttribute(name, value);
    return meta;
  }));
  made.head.append(style);
  made.body.append(root);
  download(`<!doctype html>\n${made.documentElement.outerHTML}\n`, fileName(tab, 'page', 'html'), 'text/html');
}

window.charplayExports = {savePage};

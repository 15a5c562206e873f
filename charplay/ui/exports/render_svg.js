// What is seen of an element as a drawing (SVG) that needs no style of the page: boxes, texts where the browser has put
// them, and the drawings inside it with their computed styles. No foreignObject, so that any program opens it.
const SVG = 'http://www.w3.org/2000/svg', XLINK = 'http://www.w3.org/1999/xlink';
const MARGIN = 10; // px around what is drawn
const SKIPPED = 'button, input, textarea, select, script, style, .screen-reader, .sr-only, .hoverlayer, .modebar-container, '
  + '[data-testid="status-tracker"], [data-testid="block-label"]';
const SHAPES = new Set(['svg', 'g', 'path', 'rect', 'line', 'polyline', 'polygon', 'circle', 'ellipse', 'text', 'tspan',
  'image', 'title', 'defs', 'clipPath', 'marker', 'linearGradient', 'radialGradient', 'stop']);
const NEVER_DISPLAYED = new Set(['title', 'defs', 'clipPath', 'marker', 'linearGradient', 'radialGradient', 'stop']);
const INHERITED = ['color', 'direction', 'fill', 'fill-opacity', 'font-family', 'font-size', 'font-style', 'font-weight',
  'image-rendering', 'paint-order', 'shape-rendering', 'stroke', 'stroke-dasharray', 'stroke-linecap', 'stroke-linejoin',
  'stroke-opacity', 'stroke-width', 'text-anchor', 'visibility'];
const NOT_INHERITED = {'opacity': '1', 'stop-color': 'rgb(0, 0, 0)', 'text-decoration-line': 'none', 'vector-effect': 'none',
  'dominant-baseline': 'auto'};
const DROPPED = /^(class|style|id|on.*|data-.*|aria-.*|role|tabindex|pointer-events|href|xlink:href|xmlns.*)$/i;

function make(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

const isSeen = colour => colour !== 'transparent' && !/^rgba\(.*, 0\)$/.test(colour);
const local = value => value.replace(/url\(["']?[^)#]*(#[^)"']+)["']?\)/g, 'url($1)');

// A shape with all that is inside it; `inherited` are the styles of the element around it. Where the styles of the page
// are at hand, classes are kept.
function copyShape(shape, inherited, hasClasses = false) {
  const name = shape.localName;
  if (!SHAPES.has(name) || shape.matches(SKIPPED)) return null;
  const style = getComputedStyle(shape), copy = document.createElementNS(SVG, name), styles = {};
  if (style.display === 'none' && !NEVER_DISPLAYED.has(name)) return null;
  for (const {name: key, value} of shape.attributes) if (!DROPPED.test(key)) copy.setAttribute(key, local(value));
  if (hasClasses && shape.hasAttribute('class')) copy.setAttribute('class', shape.getAttribute('class'));
  if (shape.id) copy.id = shape.id;
  const source = shape.getAttribute('href') ?? shape.getAttributeNS(XLINK, 'href');
  if (name === 'image' && source?.startsWith('data:image/')) copy.setAttributeNS(XLINK, 'xlink:href', source);
  if (style.clipPath === 'none') copy.removeAttribute('clip-path');
  const own = Object.fromEntries(INHERITED.map(key => [key, style.getPropertyValue(key)]));
  for (const key of INHERITED) if (own[key] !== inherited[key]) styles[key] = own[key];
  for (const [key, initial] of Object.entries(NOT_INHERITED)) {
    if (style.getPropertyValue(key) !== initial) styles[key] = style.getPropertyValue(key);
  }
  if (style.markerEnd !== 'none') styles['marker-end'] = local(style.markerEnd);
  for (const [key, value] of Object.entries(styles)) copy.style.setProperty(key, value);
  for (const child of shape.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) copy.append(child.data);
    else if (child.nodeType === Node.ELEMENT_NODE) copy.append(copyShape(child, own, hasClasses) ?? '');
  }
  return copy;
}

function drawSvg(svg, out) {
  const copy = copyShape(svg, {}), box = svg.getBoundingClientRect();
  if (!copy || !box.width) return;
  const zoom = svg.currentCSSZoom ?? 1; // of `present=1`
  const size = {x: box.x, y: box.y, width: box.width, height: box.height, overflow: 'visible'};
  if (!copy.hasAttribute('viewBox')) size.viewBox = `0 0 ${box.width / zoom} ${box.height / zoom}`;
  for (const [key, value] of Object.entries(size)) copy.setAttribute(key, value);
  out.append(copy);
}

// --- Boxes ---

const px = text => parseFloat(text) || 0;
const lengthOf = (text, whole) => (text.endsWith('%') ? px(text) / 100 * whole : text === 'auto' ? whole : px(text));

// The one gradient of a background: its area, and its colours from left to right.
function gradientOf(style, box) {
  const [, kind, inside] = style.backgroundImage.match(/^((?:repeating-)?linear-gradient)\((.*)\)$/) ?? [];
  if (!kind || inside.includes('gradient(')) return null;
  const parts = inside.split(/,\s*(?![^(]*\))/), isAcross = /^(90deg|to right)$/.test(parts[0]);
  const stops = parts.flatMap(part => {
    const colour = part.match(/^(#\w+|\w+\([^)]*\))/)?.[0];
    const at = [...part.slice(colour?.length ?? 0).matchAll(/([\d.]+)%/g)].map(match => px(match[1]) / 100);
    return colour ? (at.length ? at : [null]).map(offset => ({colour, offset})) : [];
  });
  if (!stops.length) return null;
  stops.forEach((stop, index) => { stop.offset ??= index / Math.max(stops.length - 1, 1); });
  const [across, down = 'auto'] = style.backgroundSize.split(' ');
  const width = lengthOf(across, box.width), height = lengthOf(down, box.height);
  const [left, top] = style.backgroundPosition.split(' ').map(px); // percent
  const area = {x: box.x + (box.width - width) * left / 100, y: box.y + (box.height - height) * top / 100, width, height};
  return {area, stops: isAcross ? stops : stops.slice(0, 1)};
}

function drawGradient({area, stops}, rx, out) {
  if (stops.length === 1) return make('rect', {...area, fill: stops[0].colour}, out);
  const id = `gradient-${out.ownerSVGElement?.querySelectorAll('linearGradient').length ?? 0}`;
  const gradient = make('linearGradient', {id}, out);
  for (const {colour, offset} of stops) make('stop', {offset, 'stop-color': colour}, gradient);
  return make('rect', {...area, rx, fill: `url(#${id})`}, out);
}

function drawBox(element, style, out) {
  const {x, y, width, height} = element.getBoundingClientRect(), box = {x, y, width, height};
  if (!width || !height) return;
  const rx = Math.min(px(style.borderTopLeftRadius), height / 2);
  if (isSeen(style.backgroundColor)) make('rect', {...box, rx, fill: style.backgroundColor}, out);
  const gradient = gradientOf(style, box);
  if (gradient) drawGradient(gradient, rx, out);
  const frame = (stroke, width, inset) => make('rect', {
    x: x + inset, y: y + inset, width: Math.max(box.width - 2 * inset, 0), height: Math.max(height - 2 * inset, 0), rx,
    fill: 'none', stroke, 'stroke-width': width}, out);
  const sides = ['Top', 'Right', 'Bottom', 'Left'].map(side => ({
    side, width: style[`border${side}Style`] === 'none' ? 0 : px(style[`border${side}Width`]), colour: style[`border${side}Color`],
  })).filter(each => each.width && isSeen(each.colour));
  if (sides.length === 4) frame(sides[0].colour, sides[0].width, sides[0].width / 2);
  else for (const {side, width: thick, colour} of sides) {
    const area = {Top: [x, y, width, thick], Right: [x + width - thick, y, thick, height],
      Bottom: [x, y + height - thick, width, thick], Left: [x, y, thick, height]}[side];
    make('rect', {x: area[0], y: area[1], width: area[2], height: area[3], fill: colour}, out);
  }
  if (style.outlineStyle === 'solid') frame(style.outlineColor, px(style.outlineWidth), -px(style.outlineOffset) - px(style.outlineWidth) / 2);
}

// --- Texts ---

const measure = document.createElement('canvas').getContext('2d');

// The characters of a text as the browser has broken them into lines: text, left, right and top of each.
function linesOf(node, isPreformatted) {
  const range = document.createRange(), lines = [];
  let at = 0;
  for (const character of node.data) {
    range.setStart(node, at);
    range.setEnd(node, at += character.length);
    const box = [...range.getClientRects()].at(-1);
    if (!box?.width) continue;
    const shown = !isPreformatted && /\s/.test(character) ? ' ' : character, line = lines.at(-1);
    if (line && Math.abs(line.top - box.top) < box.height / 2) {
      line.text += shown;
      line.left = Math.min(line.left, box.left);
      line.right = Math.max(line.right, box.right);
    } else lines.push({text: shown, left: box.left, right: box.right, top: box.top, height: box.height});
  }
  return lines;
}

function cut(line, right) {
  const kept = Math.max(Math.floor(line.text.length * (right - line.left) / (line.right - line.left)) - 1, 1);
  return {...line, text: `${line.text.slice(0, kept)}…`, right};
}

function drawText(node, element, style, out) {
  const zoom = element.currentCSSZoom ?? 1, size = px(style.fontSize) * zoom;
  if (!size || !/\S/.test(node.data)) return;
  measure.font = `${style.fontStyle} ${style.fontWeight} ${size}px ${style.fontFamily}`;
  const {fontBoundingBoxAscent: ascent, fontBoundingBoxDescent: descent} = measure.measureText('x');
  const end = element.closest('th, td, p')?.getBoundingClientRect().right ?? Infinity;
  for (let line of linesOf(node, style.whiteSpaceCollapse === 'preserve')) {
    if (style.textOverflow === 'ellipsis' && line.right > end + 1) line = cut(line, end);
    const isRight = style.direction === 'rtl', baseline = line.top + (line.height - ascent - descent) / 2 + ascent;
    const text = make('text', {x: isRight ? line.right : line.left, y: baseline, textLength: line.right - line.left,
      lengthAdjust: 'spacingAndGlyphs'}, out);
    const styles = {'font-family': style.fontFamily, 'font-size': `${size}px`, 'font-style': style.fontStyle,
      'font-weight': style.fontWeight, fill: style.color, direction: style.direction, 'white-space': 'pre'};
    if (style.textDecorationLine !== 'none') styles['text-decoration'] = style.textDecoration;
    for (const [key, value] of Object.entries(styles)) text.style.setProperty(key, value);
    text.textContent = line.text;
  }
}

function drawElement(element, out) {
  if (element.matches(SKIPPED)) return;
  if (element.localName === 'svg') return drawSvg(element, out);
  const style = getComputedStyle(element);
  if (style.display === 'none' || style.opacity === '0') return;
  if (style.visibility === 'visible') drawBox(element, style, out);
  for (const child of element.childNodes) {
    if (child.nodeType === Node.ELEMENT_NODE) drawElement(child, out);
    else if (child.nodeType === Node.TEXT_NODE && style.visibility === 'visible') drawText(child, element, style, out);
  }
}

// The drawing of elements, as wide and high as all that they show; `title` names it.
function renderSvg(elements, title) {
  const root = make('svg', {xmlns: SVG}), ground = make('rect', {fill: backgroundOf(elements[0])}, root);
  const content = make('g', {}, root), block = elements[0].closest('.block') ?? elements[0];
  root.prepend(make('title', {}));
  root.firstChild.textContent = title;
  const scrolled = [...block.querySelectorAll('*')].filter(each => each.scrollTop || each.scrollLeft);
  const positions = scrolled.map(each => [each, each.scrollLeft, each.scrollTop]);
  block.classList.add('is-rendered'); // nothing is cut off (exports.css), and nothing of that is painted
  const boxes = elements.flatMap(each => [each, ...each.querySelectorAll('table, svg, tr')])
    .map(each => each.getBoundingClientRect()).filter(box => box.width && box.height);
  elements.forEach(each => drawElement(each, content));
  block.classList.remove('is-rendered');
  for (const [each, left, top] of positions) each.scrollTo(left, top);
  const left = Math.min(...boxes.map(box => box.left)) - MARGIN, top = Math.min(...boxes.map(box => box.top)) - MARGIN;
  const width = Math.ceil(Math.max(...boxes.map(box => box.right)) + MARGIN - left);
  const height = Math.ceil(Math.max(...boxes.map(box => box.bottom)) + MARGIN - top);
  for (const [key, value] of Object.entries({width, height, viewBox: `${left} ${top} ${width} ${height}`})) root.setAttribute(key, value);
  for (const [key, value] of Object.entries({x: left, y: top, width, height})) ground.setAttribute(key, value);
  // What XML has no place for: control characters, and halves of characters.
  const text = new XMLSerializer().serializeToString(root).replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd');
  return {text: text.toWellFormed?.() ?? text, width, height};
}

function backgroundOf(element) {
  for (let each = element; each; each = each.parentElement) {
    const colour = getComputedStyle(each).backgroundColor;
    if (isSeen(colour)) return colour;
  }
  return 'white';
}

const SCALE = 2; // pixels of an image for each of the page
const MAX_PIXELS = 60e6; // of an image, which browsers still make

async function renderPng({text, width, height}) {
  const image = new Image(), url = URL.createObjectURL(new Blob([text], {type: 'image/svg+xml'}));
  try {
    image.src = url;
    await image.decode();
    const canvas = document.createElement('canvas'), scale = Math.min(SCALE, Math.sqrt(MAX_PIXELS / (width * height)));
    canvas.width = width * scale;
    canvas.height = height * scale;
    canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise(resolve => canvas.toBlob(resolve, 'image/png'));
  } finally {
    URL.revokeObjectURL(url);
  }
}

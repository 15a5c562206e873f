// Runs once in the page. An area that scrolls can be reached by keyboard, has a name, and fades at each edge beyond which
// there is more (see theme.css). What does not scroll here, as the window is now, is no stop of the Tab key.
const AREAS = '.table, .heatmap > div, .unrolled, .facts dd, .text, .code, .colored-text, #confusion, .network-scroll';
const FOLLOW_MILLISECONDS = 150; // after a change of the page

// Where there is more: in a box that grows from its end, `scrollTop` is 0 there and negative above it.
function edges(area) {
  const style = getComputedStyle(area), scrolls = overflow => overflow === 'auto' || overflow === 'scroll';
  const wide = scrolls(style.overflowX) ? area.scrollWidth - area.clientWidth : 0;
  const high = scrolls(style.overflowY) ? area.scrollHeight - area.clientHeight : 0;
  const first = style.display === 'flex' && style.flexDirection === 'column-reverse' ? -high : 0;
  return {
    isScrolled: wide > 1 || high > 1,
    left: wide > 1 && area.scrollLeft > 1,
    right: wide > 1 && area.scrollLeft < wide - 1,
    up: high > 1 && area.scrollTop > first + 1,
    down: high > 1 && area.scrollTop < first + high - 1,
  };
}

function nameOf(area) {
  const accordion = area.closest('.block:has(> .label-wrap)')?.querySelector('.label-wrap');
  const before = area.matches('dd') ? area.previousElementSibling : accordion;
  return area.dataset.label ?? before?.innerText.trim() ?? 'Scrolls';
}

function follow(area) {
  if (!area.checkVisibility()) return;
  const {isScrolled, ...more} = edges(area);
  if (isScrolled && !area.hasAttribute('tabindex')) {
    area.tabIndex = 0;
    if (!area.hasAttribute('role')) area.setAttribute('role', 'group');
    if (!area.hasAttribute('aria-label')) area.setAttribute('aria-label', nameOf(area));
    area.dataset.stop = '';
  } else if (!isScrolled && 'stop' in area.dataset) {
    for (const name of ['tabindex', 'role', 'aria-label', 'data-stop']) area.removeAttribute(name);
  }
  for (const [side, isThere] of Object.entries(more)) area.classList.toggle(`more-${side}`, isThere);
}

let timer = null;
function schedule() {
  timer ??= setTimeout(() => {
    timer = null;
    document.querySelectorAll(AREAS).forEach(follow);
  }, FOLLOW_MILLISECONDS);
}

new MutationObserver(schedule).observe(document.body, {childList: true, subtree: true});
new ResizeObserver(schedule).observe(document.body);
for (const event of ['click', 'keyup', 'toggle']) document.addEventListener(event, schedule, true);
document.addEventListener('scroll', ({target}) => {
  if (target.matches?.(AREAS)) follow(target);
}, {capture: true, passive: true});
schedule();

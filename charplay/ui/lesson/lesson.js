// The lesson in the browser: opens and closes its panel, requests its steps, sets the page by their links and marks what
// they speak of. What was predicted, and a lesson of one's own, are kept here alone.
window.charplayLesson = (() => {
  const SET_UP = /(^#|&)(?!lesson=|present=|embed=|hide=|only=)/; // a link that sets more of the page than the lesson
  const WIDE = matchMedia('(min-width: 1100px)'), LARGEST_LETTERS = matchMedia('(min-width: 1467px)');
  const FRAMES = 600; // in which an element that is marked must have come
  let isOpen = false, own = null, upload = null, requests = 0, keepsPage = false, isSetting = false;

  const section = () => document.querySelector('#lesson .lesson-panel');
  const step = () => Number(section()?.dataset.step ?? 1);
  const linked = () => Number(new URLSearchParams(location.hash.slice(1)).get('lesson')) || null;

  function request(fields) {
    const box = document.querySelector('#lesson-request :is(textarea, input)');
    box.value = JSON.stringify({count: ++requests, step: step(), own, ...fields});
    box.dispatchEvent(new Event('input', {bubbles: true}));
  }

  function mark(id) {
    let sheet = document.getElementById('lesson-mark');
    if (!sheet) {
      sheet = document.head.appendChild(document.createElement('style'));
      sheet.id = 'lesson-mark';
    }
    sheet.textContent = id ? `#${id} { outline: 3px dashed var(--accent-text) !important; outline-offset: 2px; }
      .form:has(> #${id}) { overflow: visible !important; }` : ''; // Gradio cuts off what is outside a group of controls
  }

  // Beside the tabs where there is room, of which letters for a projector take more; else above them.
  function place() {
    const page = document.documentElement.classList;
    const room = page.contains('present') ? LARGEST_LETTERS : WIDE;
    page.toggle('lesson-open', isOpen);
    page.toggle('lesson-beside', isOpen && room.matches && !page.contains('embed'));
  }

  function setOpen(opens) {
    isOpen = opens;
    place();
    document.getElementById('lesson-button')?.setAttribute('aria-expanded', opens);
    mark(opens ? section()?.dataset.highlight : '');
    setTimeout(() => window.dispatchEvent(new Event('resize')), 100); // plots fit the width that is left
  }

  function open(number) {
    setOpen(true);
    if (number || !section()) request({step: number ?? 1});
    else section().querySelector('h2').focus();
  }

  function close() {
    setOpen(false);
    document.getElementById('lesson-button')?.focus();
  }

  const find = block => document.getElementById(section()?.dataset.highlight)?.scrollIntoView({block});

  const growth = new ResizeObserver(() => find('nearest'));
  // A tab that is opened for the first time has its elements some frames later.
  function keepInView(id, frames) {
    growth.disconnect();
    const element = document.getElementById(id);
    if (element?.checkVisibility()) growth.observe(element);
    else if (frames && section()?.dataset.highlight === id) requestAnimationFrame(() => keepInView(id, frames - 1));
  }
  for (const kind of ['wheel', 'touchstart', 'pointerdown', 'keydown']) {
    document.addEventListener(kind, () => growth.disconnect(), {passive: true});
  }

  const actions = {
    close,
    back: () => request({step: step() - 1}),
    next: () => request({step: step() + 1}),
    find: () => find('center'),
  };

  function openLinked() {
    if (!linked()) return;
    keepsPage = SET_UP.test(location.hash);
    open(linked());
  }

  document.addEventListener('click', event => {
    if (event.target.closest?.('#lesson-button')) isOpen ? close() : open();
    else actions[event.target.closest?.('#lesson [data-lesson]')?.dataset.lesson]?.();
  });
  document.addEventListener('submit', event => {
    if (!event.target.closest('#lesson')) return;
    event.preventDefault();
    const {submitter, target} = event;
    if (submitter?.value === 'predict') request({prediction: target.elements.prediction.value});
    else request({prediction: submitter?.value ?? ''});
  });
  document.addEventListener('change', async event => {
    const file = event.target.matches?.('#lesson [data-lesson="file"]') && event.target.files[0];
    if (!file) return;
    upload = (await file.slice(0, 250_000).text()).slice(0, 60_000); // longer ones are refused, whatever they say
    request({upload});
  });
  addEventListener('hashchange', openLinked);
  for (const width of [WIDE, LARGEST_LETTERS]) width.addEventListener('change', place);

  return {
    start: openLinked,
    // After each answer of the server.
    shown() {
      const panel = section();
      if (!panel || !isOpen) return;
      const {source, answered, link, highlight} = panel.dataset;
      if (source === 'upload') own = upload;
      if (source === 'page') own = null;
      upload = null;
      mark(highlight);
      if (link && !keepsPage && !panel.querySelector('.lesson-problem')) {
        isSetting = true;
        charplayLinks.show(link);
      }
      keepsPage = false;
      const focused = panel.querySelector('.lesson-problem') ?? panel.querySelector(answered ? '.lesson-answer' : 'h2');
      focused.focus();
    },
    // After the page has been set by a link: keeps what the step speaks of in view while it grows, until the learner
    // does something. Not where the panel is above the tabs: it would go out of view itself.
    pageSet() {
      if (!isSetting) return;
      isSetting = false;
      if (document.documentElement.classList.contains('lesson-beside')) keepInView(section()?.dataset.highlight, FRAMES);
    },
    // What a link says of the lesson: nothing where it is closed or the page's own.
    linkedStep: () => isOpen && section() && own === null ? step() : null,
  };
})();

// Links that carry the page's set-up, as `links.py` reads them. Runs in the page's head, before anything is drawn.
// Python puts `charplayTabs` before it: each tab's parts, accordions and texts with a chosen character.
window.charplayLinks = (() => {
  const WAITS = [500, 3000]; // ms after the last key or click until the address bar follows, and what came later
  const SHOWN = 6000; // ms that the line on a copied link is shown
  const LISTS = ['hide', 'only'], SWITCHES = ['present', 'embed'];
  const followed = new Set(); // which parts of the page have followed which links
  const view = {}; // hide and only: sets of names; present and embed: booleans
  let table = null, opened = 0, isOpening = false, embeds = false, timers = [];
  let pressedTab = null; // while a link is opened, which sets another one
  let latest = []; // values of the controls when the address followed them last
  let seen = location.hash; // the address as it was last read or written here

  const fields = () => new URLSearchParams(location.hash.slice(1));
  const rule = (name, isOn) => document.documentElement.classList.toggle(name, isOn);
  const accordion = element => document.querySelector(`#${element} .label-wrap`);
  const isOpen = element => Boolean(accordion(element)?.classList.contains('open'));
  const tabButton = name => document.querySelector(`[role=tab][data-tab-id="${name}"]`);
  const currentTab = () => document.querySelector('[role=tab][aria-selected=true]')?.dataset.tabId ?? charplayTabs[0].name;
  const say = text => {
    const line = document.querySelector('#link-note [role=status]');
    if (!line) return;
    line.textContent = text;
    setTimeout(() => { if (line.textContent === text) line.textContent = ''; }, SHOWN);
  };

  // --- What a link hides ---

  const namesOf = tab => [...tab.parts, ...tab.accordions].map(part => part.name);

  function hidden() {
    const names = new Set(view.hide);
    if (!view.only.size) return names;
    const inside = tab => namesOf(tab).some(name => view.only.has(name));
    const isNamed = tab => view.only.has(`${tab.name}-tab`);
    const hasTabs = charplayTabs.some(tab => isNamed(tab) || inside(tab));
    for (const tab of hasTabs ? charplayTabs : []) {
      if (!isNamed(tab) && !inside(tab)) names.add(`${tab.name}-tab`);
      if (inside(tab)) for (const name of namesOf(tab)) if (!view.only.has(name)) names.add(name);
    }
    return names;
  }

  function applyView() {
    const names = hidden(), selectors = [];
    for (const tab of charplayTabs) {
      if (names.has(`${tab.name}-tab`)) selectors.push(`[role="tab"][data-tab-id="${tab.name}"]`);
      for (const part of [...tab.parts, ...tab.accordions])
        if (names.has(part.name)) selectors.push(`#${part.element}`);
    }
    let sheet = document.getElementById('hidden-parts');
    if (!sheet) {
      sheet = document.head.appendChild(document.createElement('style'));
      sheet.id = 'hidden-parts';
    }
    sheet.textContent = selectors.length ? `${selectors.join(', ')} { display: none !important; }` : '';
    for (const name of SWITCHES) rule(name, view[name]);
    if (names.has(`${currentTab()}-tab`)) leaveHiddenTab(names);
  }

  function leaveHiddenTab(names) {
    const first = charplayTabs.find(tab => !names.has(`${tab.name}-tab`));
    if (first) tabButton(first.name)?.click();
  }

  function readView() {
    const known = new Set(charplayTabs.flatMap(tab => [`${tab.name}-tab`, ...namesOf(tab)]));
    for (const name of LISTS) {
      view[name] = new Set((fields().get(name) ?? '').split(',').filter(each => known.has(each)));
    }
    for (const name of SWITCHES) view[name] = fields().get(name) === '1';
  }

  // --- The page's set-up as a link ---

  // The seed of the generated text, where the controls are those that it was made with; none for the initial text.
  function usedSeed(values) {
    const shown = document.getElementById('seed-used');
    if (!shown) return '';
    const made = Object.entries(JSON.parse(shown.dataset.made)), seed = shown.textContent;
    const isInitial = seed === String(table.exampleSeed) && made.every(([name, value]) => value === initial(name));
    return !isInitial && made.every(([name, value]) => value === values[name]) ? seed : '';
  }

  const initial = name => table.controls.find(control => control.name === name)?.default;

  function write(control, value) {
    const fits = text => [...text].length <= control.maxCharacters; // characters, as Python counts them
    if (control.tokens) {
      const named = control.tokens.find(([choice]) => choice === value);
      if (named) return named[1];
      if (control.takesText) return fits(value) ? `text:${value}` : null;
      else if (!control.isNumber) return null;
    }
    if (typeof value === 'boolean') return value ? '1' : '0';
    return fits(String(value)) ? String(value) : null;
  }

  // --- The page's set-up from a link ---

  const field = (hash, isPart) => `${++opened}${isPart ? '+' : ''}${hash}`;

  // Whether a link puts an example where its user has pasted data, who does not want that.
  function isRefused(hash) {
    const shown = document.querySelector('#pasted-data textarea'); // none while the data comes from elsewhere
    const own = shown?.value ?? latest[table.controls.findIndex(control => control.examples)] ?? '';
    if (new URLSearchParams(hash.slice(1)).get('source') !== 'paste' || !own.trim()) return false;
    if (table.controls.some(control => control.examples?.includes(own))) return false;
    return !confirm('This puts an example in place of the data that you pasted in Train. Replace it?');
  }

  function send(hash, isPart) {
    const value = isRefused(hash) ? field('#tab=train', true) : field(hash, isPart);
    isOpening = true;
    const box = document.querySelector('#link-field :is(textarea, input)');
    box.value = value;
    box.dispatchEvent(new Event('input', {bubbles: true}));
  }

  // The link's part after "#", of one tab or of all, and the names of what it cannot carry.
  function format(values, only) {
    const pairs = new URLSearchParams(), missing = [], shown = currentTab();
    if (only || shown !== charplayTabs[0].name) pairs.set('tab', shown);
    const byName = Object.fromEntries(table.controls.map((control, index) => [control.name, values[index]]));
    table.controls.forEach((control, index) => {
      if (only && control.tab !== only) return;
      let value = values[index];
      if (control.name === 'seed' && value === '') value = usedSeed(byName);
      if (value === null || value === undefined || value === control.default) return;
      const text = control.isCarried ? write(control, value) : null;
      if (text !== null) pairs.set(control.name, text);
      else if (control.isCarried || (control.examples && !control.examples.includes(value))) missing.push(control.label);
    });
    const tabs = charplayTabs.filter(tab => !only || tab.name === only);
    const open = tabs.flatMap(tab => tab.accordions.filter(each => isOpen(each.element)).map(each => each.name));
    for (const {name, element} of tabs.flatMap(tab => tab.characters)) {
      const chosen = document.querySelector(`#${element} [aria-valuenow]`);
      if (chosen?.checkVisibility()) pairs.set(name, chosen.getAttribute('aria-valuenow') - 1);
    }
    const lists = {open, hide: [...view.hide], only: [...view.only]}, step = window.charplayLesson?.linkedStep();
    if (step) lists.lesson = [step];
    for (const name of SWITCHES) if (view[name] || (only && name === 'embed' && embeds)) lists[name] = ['1'];
    let text = pairs.toString();
    for (const [name, items] of Object.entries(lists)) {
      if (items.length) text += `${text && '&'}${name}=${items.join(',')}`;
    }
    return {text, missing};
  }

  // Of a page in a frame: the same, whole.
  function linkFullPage() {
    const link = document.querySelector('#full-page a');
    if (link) link.href = `${location.pathname}${location.hash.replace(/&?embed=1/, '')}`;
  }

  function follow(values) {
    latest = values;
    linkFullPage();
    if (isOpening || !table || location.hash !== seen) return; // of one changed by hand the event is on its way
    const {text} = format(values, null);
    if (text.length > table.maxCharacters) return;
    if (text === location.hash.slice(1)) return;
    const path = location.pathname + location.search;
    history.replaceState(history.state, '', text ? `${path}#${text}` : path);
    seen = location.hash;
    linkFullPage();
    // A Space is a frame of another site: its page has the address bar.
    if (parent !== window && location.hostname.endsWith('.hf.space')) {
      parent.postMessage({hash: text && `#${text}`}, 'https://huggingface.co');
    }
  }

  function schedule() {
    timers.forEach(clearTimeout);
    timers = WAITS.map(wait => setTimeout(() => document.getElementById('follow-address')?.click(), wait));
  }

  async function writeClipboard(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch { // over plain HTTP from another machine a page has no clipboard
      const box = document.body.appendChild(document.createElement('textarea'));
      box.value = text;
      box.select();
      const isCopied = document.execCommand('copy');
      box.remove();
      return isCopied;
    }
  }

  // --- The checklist under "Show": what is unchecked is hidden, here and in the copied link ---

  function checkbox(label, isChecked, onChange) {
    const line = document.createElement('label'), box = document.createElement('input');
    box.type = 'checkbox';
    box.checked = isChecked;
    box.addEventListener('change', () => onChange(box.checked));
    line.append(box, ` ${label}`);
    return line;
  }

  function show(name, isShown) {
    view.hide = hidden(); // of what `only` hides, too
    view.only = new Set();
    if (isShown) view.hide.delete(name);
    else view.hide.add(name);
    applyView();
    schedule();
  }

  function fillOptions(list) {
    const names = hidden(), tab = charplayTabs.find(each => each.name === currentTab());
    const titled = part => accordion(part.element)?.querySelector('span').textContent.trim().split(/[:?]/)[0] ?? part.label;
    const item = (name, label) => checkbox(label, !names.has(name), isShown => show(name, isShown));
    const group = (title, items) => {
      const set = document.createElement('fieldset'), legend = document.createElement('legend');
      legend.textContent = title;
      set.append(legend, ...items);
      return set;
    };
    const others = charplayTabs.filter(each => each !== tab), saving = document.createElement('button');
    saving.type = 'button';
    saving.id = 'save-this-tab';
    saving.textContent = 'Save this tab as a page';
    saving.addEventListener('click', () => document.getElementById('save-tab').click());
    list.replaceChildren(
      group('To take home', [saving]),
      group('Tabs', others.map(each => item(`${each.name}-tab`, each.label))),
      group(`On ${tab.label}`, [...tab.parts, ...tab.accordions].map(part => item(part.name, titled(part)))),
      group('The link', [
        checkbox('Large letters, for a projector', view.present, isOn => {
          view.present = isOn;
          applyView();
          schedule();
        }),
        checkbox('For a frame in another page', embeds, isOn => { embeds = isOn; }),
      ]),
    );
  }

  return {
    listOptions(element) {
      const details = element.querySelector('details');
      details.addEventListener('toggle', () => fillOptions(details.querySelector('div')));
    },
    // Returns what Python is to read: nothing where there is no link.
    start(given) {
      table = given;
      addEventListener('hashchange', () => {
        seen = location.hash;
        readView();
        applyView();
        if (location.hash.includes('=')) send(location.hash, false);
      });
      document.addEventListener('click', event => {
        const example = event.target.closest?.('a.example');
        if (!example || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        send(example.hash, true);
      });
      document.addEventListener('click', event => {
        const pressed = event.isTrusted && event.target.closest?.('[role=tab]');
        if (pressed && isOpening) pressedTab = pressed.dataset.tabId;
      });
      const isOwn = element => Boolean(element.closest?.('#link-field, #follow-address'));
      for (const kind of ['input', 'click', 'keyup']) {
        document.addEventListener(kind, event => isOwn(event.target) || schedule());
      }
      applyView();
      isOpening = location.hash.includes('=');
      return isOpening ? field(location.hash, true) : '';
    },
    // Whether a part of the page has not followed this link yet. Where an event had to wait, Gradio sends the one that it
    // waited for again, with all that follows from it.
    isNew(part, link) {
      const key = `${part} ${link}`, isNew = !followed.has(key);
      followed.add(key);
      return isNew;
    },
    // Sets the page as a step of the lesson has it.
    show: text => send(`#${text}`, false),
    opened() {
      isOpening = false;
      if (pressedTab && pressedTab !== currentTab()) tabButton(pressedTab)?.click();
      pressedTab = null;
      applyView();
      window.charplayLesson?.pageSet();
      schedule();
    },
    follow,
    async copy(values) {
      const {text, missing} = format(values, currentTab());
      if (text.length > table.maxCharacters) return say('This set-up is too long for a link.');
      const isCopied = await writeClipboard(`${location.origin}${location.pathname}#${text}`);
      const without = missing.length ? ` Not in it, since it is yours alone or too long: ${missing.join(', ')}.` : '';
      say(isCopied ? `Link copied.${without}` : 'Copy the address of this page by hand.');
    },
    // What is set on the open tab, and the link to it (saved_page.js).
    describe(values) {
      const tab = charplayTabs.find(each => each.name === currentTab()), {text, missing} = format(values, tab.name);
      const settings = table.controls.map((control, index) => ({...control, value: values[index]}));
      return {tab: tab.name, label: tab.label, missing, link: `${location.origin}${location.pathname}#${text}`,
        settings: settings.filter(control => control.tab === tab.name)};
    },
    format: (given, values, only) => { // for the tests
      table = given;
      return format(values, only);
    },
    currentTab,
    readView,
    applyView,
  };
})();
charplayLinks.readView();
charplayLinks.applyView();

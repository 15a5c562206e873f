// The page is some eighty files. Where one of them does not arrive, Gradio shows nothing or leaves a part out. As long
// as nobody has used the page it is loaded again, once the server answers; the other files are in the browser's cache.
// In a page that is used, or where loading again has not helped, a line offers it.
(() => {
  const COUNT = 'charplay-loaded-again', MOST = 3, POLL_MS = 1000;
  const FILES = 'script[src], link[rel~=stylesheet]';
  let isUsed = false, isMissing = false;

  // null in a page inside another one, where the browser keeps nothing for it.
  const storage = (() => {
    try {
      return sessionStorage;
    } catch {
      return null;
    }
  })();

  const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

  const offer = () => {
    if (document.getElementById('missing-files')) return;
    const line = document.createElement('div'), button = document.createElement('button');
    line.id = 'missing-files';
    line.setAttribute('role', 'alert');
    // Here and not in theme.css: Gradio adds that when the page is laid out.
    line.style.cssText = `position: fixed; inset: auto 0 0 0; z-index: 1000; padding: 10px 16px; text-align: center;
      font: 600 16px system-ui, sans-serif; color: #fff; background: #8a3a00;`;
    button.style.cssText = `margin: 2px 8px; padding: 6px 12px; border: 1px solid #fff; border-radius: 6px;
      font: inherit; color: inherit; background: none; cursor: pointer;`;
    button.textContent = 'Load it again';
    button.addEventListener('click', () => location.reload());
    line.append('Part of this page did not arrive.', button);
    document.documentElement.append(line);
  };

  const answers = () => fetch(location, {cache: 'no-store', signal: AbortSignal.timeout(5000)})
    .then(response => response.ok, () => false);

  const loadAgain = async () => {
    while (!await answers()) {
      offer();
      await sleep(POLL_MS);
    }
    location.reload();
  };

  const missing = () => {
    if (isMissing) return;
    isMissing = true;
    const count = storage ? Number(storage.getItem(COUNT)) : MOST;
    if (isUsed || count >= MOST) return offer();
    storage.setItem(COUNT, count + 1);
    loadAgain();
  };

  const use = () => {
    if (!document.getElementById('title')) return;
    isUsed = true;
    storage?.removeItem(COUNT);
  };

  addEventListener('vite:preloadError', missing);
  addEventListener('error', ({target}) => {
    if (target instanceof Element && target.matches(FILES)) missing();
  }, true);
  for (const type of ['pointerdown', 'keydown']) addEventListener(type, use, true);
})();

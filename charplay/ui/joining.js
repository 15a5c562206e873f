// Join: the page's address as large as the screen allows, and as a QR code. Runs in the page's head; Python puts
// `charplayJoining` before it: whether the app listens to others, and whether the dialog opens by itself here.
window.charplayJoin = (() => {
  const SHOWN_ALREADY = 'charplay-joining-shown'; // by itself, in this tab of the browser
  const isLocal = /^(localhost|127\..*|\[::1\]|0\.0\.0\.0)$/.test(location.hostname);
  if (charplayJoining.listens || !isLocal) document.documentElement.classList.add('joinable');

  const page = () => location.origin + location.pathname;

  function build() {
    const dialog = document.createElement('dialog');
    dialog.id = 'join-dialog';
    dialog.setAttribute('aria-labelledby', 'join-title');
    dialog.innerHTML = `<div class="join-head"><h2 id="join-title">Open this page on your phone</h2>
      <button type="button" class="join-close" autofocus>Close</button></div>
      <div class="join-code" role="img" aria-label="QR code of the address below"></div>
      <p class="join-address" translate="no" role="status"></p>`;
    dialog.querySelector('.join-close').addEventListener('click', () => dialog.close());
    dialog.addEventListener('click', event => { if (event.target === dialog) dialog.close(); }); // beside it
    return document.body.appendChild(dialog);
  }

  // The address has one line: as large as it fits.
  function fit(line) {
    line.style.fontSize = '';
    const size = parseFloat(getComputedStyle(line).fontSize);
    line.style.fontSize = `${Math.max(16, Math.min(size, size * line.clientWidth / line.scrollWidth))}px`;
  }

  async function show() {
    const dialog = document.getElementById('join-dialog') ?? build();
    const code = dialog.querySelector('.join-code'), line = dialog.querySelector('.join-address');
    code.replaceChildren();
    line.textContent = '';
    if (!dialog.open) dialog.showModal();
    let answer;
    try {
      const query = new URLSearchParams({page: page()});
      answer = await (await fetch(`${window.gradio_config.root}/join?${query}`)).json();
    } catch {
      answer = {problem: 'The app does not answer.'};
    }
    dialog.classList.toggle('has-problem', 'problem' in answer);
    code.innerHTML = answer.code ?? '';
    line.textContent = answer.address ?? answer.problem;
    if (answer.address) fit(line);
  }

  addEventListener('resize', () => {
    const dialog = document.getElementById('join-dialog');
    if (dialog?.open && !dialog.classList.contains('has-problem')) fit(dialog.querySelector('.join-address'));
  });

  // Once the page is there.
  function start(element) {
    element.addEventListener('click', event => { if (event.target.closest('button')) show(); });
    if (!charplayJoining.showsAtOnce || !isLocal || sessionStorage.getItem(SHOWN_ALREADY)) return;
    sessionStorage.setItem(SHOWN_ALREADY, '1');
    show();
  }

  return {start};
})();

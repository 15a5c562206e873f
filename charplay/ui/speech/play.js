// Play: presses Next character at the chosen speed, until the text is complete, there is a problem, the tab is left, or the
// user presses a button of the tab. A complete text is started over first.
() => {
  const WAIT_MILLISECONDS = 10_000; // for a character, after which it ends
  const AGAIN_MILLISECONDS = 300; // Gradio ignores a click on a button whose last event has not quite ended
  const tab = document.getElementById('speech'), field = document.querySelector('#generated-text textarea');
  const run = tab.run = {};
  const isOn = () => tab.run === run && tab.checkVisibility();
  const isComplete = () => tab.querySelector('#stats [data-complete]') !== null;
  const sleep = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));
  const end = () => {
    if (tab.run !== run) return;
    tab.run = null;
    if (document.activeElement?.id === 'pause') setTimeout(() => document.getElementById('play').focus());
    delete tab.dataset.playing;
  };
  // Presses a button and waits for what it writes; false where nothing comes of it.
  const press = async id => {
    const before = field.value, deadline = Date.now() + WAIT_MILLISECONDS;
    let again = 0;
    while (isOn() && field.value === before && Date.now() < deadline && !tab.querySelector('.problem')) {
      if (Date.now() >= again) {
        document.getElementById(id).click();
        again = Date.now() + AGAIN_MILLISECONDS;
      }
      await sleep(30);
    }
    return isOn() && field.value !== before;
  };
  const play = async () => {
    if (isComplete()) await press('start-over');
    while (isOn()) {
      const next = Date.now() + 1000 / Number(document.querySelector('#step-speed input[type=number]').value || 1);
      if (!(await press('next-character'))) break;
      await sleep(60); // the figures come with the text
      if (isComplete()) break;
      while (isOn() && Date.now() < next) await sleep(30);
    }
    end();
  };
  if (!tab.isWatched) {
    tab.isWatched = true;
    tab.addEventListener('click', event => {
      const button = event.target.closest('button');
      if (event.isTrusted && button && button.id !== 'play' && tab.run) {
        tab.run = null;
        delete tab.dataset.playing;
        if (button.id === 'pause') setTimeout(() => document.getElementById('play').focus());
      }
    }, true);
  }
  tab.dataset.playing = '';
  setTimeout(() => document.getElementById('pause').focus());
  play();
}

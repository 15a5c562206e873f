// Runs once in the page: what Gradio leaves out for the keyboard. Arrows move between tabs, as WAI-ARIA has it, and Tab
// closes an open list that it leaves.
const MOVES = {ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity};

function moveBetweenTabs(event, tab) {
  const tabs = [...tab.closest('[role="tablist"]').querySelectorAll('[role="tab"]')].filter(each => each.checkVisibility());
  const at = tabs.indexOf(tab), move = MOVES[event.key];
  const next = Number.isFinite(move) ? (at + move + tabs.length) % tabs.length : move > 0 ? tabs.length - 1 : 0;
  event.preventDefault();
  tabs[next].click();
  tabs[next].focus();
}

document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const tab = event.target.closest?.('[role="tab"]');
  if (tab && event.key in MOVES) moveBetweenTabs(event, tab);
  else if (event.key === 'Tab' && event.target.getAttribute?.('aria-expanded') === 'true') {
    event.stopPropagation(); // Gradio's list opens at every key
    event.target.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}));
  }
}, true);

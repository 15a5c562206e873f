// Runs once in the page: `element`, `watch` and `trigger` are Gradio's. A press on a name chooses it, as arrows do.
let chosen = 0;
const buttons = () => [...element.querySelectorAll('button.invented')];
const mark = () => buttons().forEach((button, number) => {
  button.classList.toggle('chosen', number === chosen);
  button.setAttribute('aria-pressed', number === chosen);
  button.tabIndex = number === chosen ? 0 : -1;
});
const choose = number => {
  chosen = Math.max(0, Math.min(number, buttons().length - 1));
  mark();
  trigger('pick');
};
element.addEventListener('click', event => {
  const button = event.target.closest('button.invented');
  if (button) choose(Number(button.dataset.number));
});
const targets = {
  ArrowLeft: () => chosen - 1,
  ArrowUp: () => chosen - 1,
  ArrowRight: () => chosen + 1,
  ArrowDown: () => chosen + 1,
  Home: () => 0,
  End: () => buttons().length - 1,
};
element.addEventListener('keydown', event => {
  const target = targets[event.key];
  if (!target || !event.target.closest('button.invented') || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  choose(target());
  buttons()[chosen].focus();
});
// A new list begins with its first name; while it grows, the chosen one stays.
watch('value', () => {
  if (chosen >= buttons().length) chosen = 0;
  mark();
});
mark();

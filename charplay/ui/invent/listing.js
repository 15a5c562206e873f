// Runs once in the page: `element`, `watch` and `trigger` are Gradio's. A press on a name chooses it.
let chosen = 0;
const mark = () => element.querySelectorAll('button.invented').forEach((button, number) => {
  button.classList.toggle('chosen', number === chosen);
  button.setAttribute('aria-pressed', number === chosen);
});
element.addEventListener('click', event => {
  const button = event.target.closest('button.invented');
  if (!button) return;
  chosen = Number(button.dataset.number);
  mark();
  trigger('pick');
});
// A new list begins with its first name; while it grows, the chosen one stays.
watch('value', () => {
  if (chosen >= element.querySelectorAll('button.invented').length) chosen = 0;
  mark();
});
mark();

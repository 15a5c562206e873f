// A button in the sentence names an epoch: it moves the slider there, as the user would.
element.addEventListener('click', event => {
  const epoch = event.target.dataset?.epoch;
  const box = document.querySelector('#shown-epoch input[type=number]');
  if (epoch === undefined || box.disabled) return;
  box.value = epoch;
  box.dispatchEvent(new Event('input', {bubbles: true}));
});

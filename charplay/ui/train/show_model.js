// Shows the tab that has just been selected: Gradio renders it first. Where there is a Generate button it is pressed,
// once the prime's length has followed the new prime; elsewhere the tab's head is scrolled to.
() => {
  const deadline = Date.now() + 3000;
  const show = () => {
    const button = document.querySelector('#generate'), name = document.querySelector('#names-row');
    if (name?.checkVisibility()) return name.scrollIntoView({block: 'start'});
    const prime = document.querySelector('#prime textarea'), length = document.querySelector('#prime-length input');
    const isReady = button?.checkVisibility() && Number(length?.value) === prime?.value.length;
    if (isReady || (button?.checkVisibility() && Date.now() > deadline)) return button.click();
    if (Date.now() < deadline + 1000) setTimeout(show, 100);
  };
  setTimeout(show, 100);
}

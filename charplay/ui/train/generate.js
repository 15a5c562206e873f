// Presses Generate if its tab is the one that has just been selected; Gradio renders it first.
() => setTimeout(() => {
  const button = document.querySelector('#generate');
  if (button && button.checkVisibility()) button.click();
}, 300)

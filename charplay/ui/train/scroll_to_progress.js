// Scrolls to the progress of a training as soon as it is there, unless its head is in view: on a phone it is below the
// form, and a pressed button would seem dead.
() => {
  const deadline = Date.now() + 5000;
  const scroll = () => {
    const progress = document.querySelector('#progress');
    if (!progress?.checkVisibility()) return Date.now() < deadline && setTimeout(scroll, 50);
    const top = progress.getBoundingClientRect().top;
    if (top < 0 || top > innerHeight / 2) progress.scrollIntoView({block: 'start'});
  };
  scroll();
}

// Shows the counts of one time step and enables its style rules, and does so again when other counts have come, which
// may be after the step was set. An emptied number box is null, and counts as step 0.
step => {
  const place = document.getElementById('step-counts');
  if (!place) return;
  place.showStep = () => {
    const steps = [...place.querySelectorAll('[data-step]')];
    const shown = Math.min(Math.max(Math.trunc(step) || 0, 0), steps.length - 1);
    steps.forEach((element, number) => {
      element.hidden = number !== shown;
      element.querySelector('style').media = number === shown ? 'all' : 'not all';
    });
  };
  place.showStep();
  if (place.counts) return;
  place.counts = new MutationObserver(() => place.showStep());
  place.counts.observe(place, {childList: true, subtree: true});
}

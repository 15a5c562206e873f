// Shows the counts of one time step and enables its style rules. An emptied number box is null, and counts as step 0.
step => {
  const steps = [...document.querySelectorAll('#step-counts [data-step]')];
  const shown = Math.min(Math.max(Math.trunc(step) || 0, 0), steps.length - 1);
  steps.forEach((element, number) => {
    element.hidden = number !== shown;
    element.querySelector('style').media = number === shown ? 'all' : 'not all';
  });
}

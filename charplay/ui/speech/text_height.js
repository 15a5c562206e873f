// The CSS gives the text's column the rest of the window below its top, which depends on what stands above it.
const column = element.closest('#speech-text');
const measure = () => {
  if (column.offsetParent === null) return; // in a hidden tab
  const top = Math.round(column.getBoundingClientRect().top + window.scrollY);
  document.documentElement.style.setProperty('--speech-top', `${top}px`);
};
const observer = new ResizeObserver(measure);
observer.observe(column);
observer.observe(document.body);

// Asks before the page is left while a model that was trained here has not been downloaded.
unsaved => {
  window.onbeforeunload = Number(unsaved) ? event => event.preventDefault() : null;
}

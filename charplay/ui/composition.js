// Runs once in the page. An input method composes one character from several keys (Hangul, kana, Han): what is not yet
// composed is no text to answer. Phones compose Latin words too, as they are typed; those go through letter by letter.
const COMPOSED = /[\p{sc=Hangul}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Han}\p{sc=Bopomofo}]/u;
let held = null; // the field whose input has been held back

document.addEventListener('input', event => {
  const isHeld = event.isComposing && COMPOSED.test(event.data ?? '');
  if (isHeld) event.stopImmediatePropagation();
  held = isHeld ? event.target : null;
}, true);
document.addEventListener('compositionend', event => {
  if (held !== event.target) return;
  held = null;
  event.target.dispatchEvent(new Event('input', {bubbles: true}));
}, true);

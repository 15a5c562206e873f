// Over plain HTTP from another machine a page has no clipboard; selecting and copying still works there. Python puts the
// id of the lines in CODE's place.
async () => {
  const code = document.querySelector('#CODE pre');
  let isCopied = true;
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch {
    getSelection().selectAllChildren(code);
    isCopied = document.execCommand('copy');
  }
  document.querySelector('#CODE-copied').textContent = isCopied ? 'Copied.' : 'Select the lines and copy them by hand.';
}

// Over plain HTTP from another machine a page has no clipboard; selecting and copying still works there.
async () => {
  const code = document.querySelector('#code pre');
  let isCopied = true;
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch {
    getSelection().selectAllChildren(code);
    isCopied = document.execCommand('copy');
  }
  document.querySelector('#code-copied').textContent = isCopied ? 'Copied.' : 'Select the lines and copy them by hand.';
}

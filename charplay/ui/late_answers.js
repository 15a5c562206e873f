// When users moved what they can move, and when what answers are about changed: see late_answers.py.
const moved = new Map(); // id of an element -> when its user last changed something in it, in ms
const changed = new Map(); // number of the answers -> [when what they are about changed last, in ms; its values then]
const note = event => {
  const now = performance.now();
  for (let each = event.target; each; each = each.parentElement) if (each.id) moved.set(each.id, now);
};
addEventListener('input', note, true);
addEventListener('click', event => event.target.closest?.('button') && note(event), true); // a slider's reset button
const lastOf = ids => Math.max(-1, ...ids.map(id => moved.get(id) ?? -1));

window.charplayMoves = {
  // Gradio's event of a change comes late, and once more when a request that had to wait is sent.
  noteChange: (answers, sources, values) => {
    const [last, before] = changed.get(answers) ?? [-1, null], now = JSON.stringify(values), typed = lastOf(sources);
    if (now !== before) changed.set(answers, [typed > last ? typed : performance.now(), now]);
  },
  areNewer: (controls, answers) => lastOf(controls) > (changed.get(answers)?.[0] ?? -1),
};

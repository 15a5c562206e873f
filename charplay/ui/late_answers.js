// When users moved what they can move, and when what answers are about changed: see late_answers.py.
const moved = new Map(); // id of an element -> when something in it was moved last, in ms
const changed = new Map(); // number of the answers -> when what they are about changed last, in ms
for (const kind of ['input', 'click']) {
  addEventListener(kind, event => {
    const now = performance.now();
    for (let each = event.target; each; each = each.parentElement) if (each.id) moved.set(each.id, now);
  }, true);
}

window.charplayMoves = {
  noteChange: answers => changed.set(answers, performance.now()),
  areNewer: (controls, answers) => controls.some(id => moved.get(id) > (changed.get(answers) ?? -1)),
};

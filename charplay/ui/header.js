// Runs once in the page. The header stands beside the tabs where both have room, and above them where not: after a
// browser has translated the page, say, or made it larger.
const header = document.getElementById('page-header');

function place() {
  const tabs = document.querySelector('[role="tablist"]');
  if (!tabs) return;
  const left = Math.min(...[...header.children].map(each => each.getBoundingClientRect()).filter(box => box.width)
    .map(box => box.left));
  const right = Math.max(...[...tabs.children].map(tab => tab.getBoundingClientRect().right));
  header.classList.toggle('is-above', left < right);
}

let isPlanned = false;
function plan() {
  if (isPlanned) return;
  isPlanned = true;
  requestAnimationFrame(() => { isPlanned = false; place(); });
}

const sizes = new ResizeObserver(plan);
sizes.observe(document.documentElement);
for (const child of header.children) sizes.observe(child);
// The tabs come after the header.
const arrival = new MutationObserver(() => {
  const tabs = document.querySelectorAll('[role="tablist"] > *');
  if (!tabs.length) return;
  arrival.disconnect();
  for (const tab of tabs) sizes.observe(tab);
});
arrival.observe(document.body, {childList: true, subtree: true});

// Gradio's search for the component with an id, which it makes at each value that an event reads or sets. Its own goes
// through the page each time; this one remembers where it came across each component.
function FIND(root, id) {
  const places = (FIND.places ??= new WeakMap()); // root -> id -> the numbers of children that lead to it
  if (!places.has(root)) places.set(root, new Map());
  const known = places.get(root);
  const look = () => {
    const component = known.get(id)?.reduce((parent, number) => parent?.children?.[number], root);
    return component?.id === id ? component : null;
  };
  const note = (component, place) => {
    if (!known.has(component.id)) known.set(component.id, place);
    (component.children ?? []).forEach((child, number) => note(child, [...place, number]));
  };
  const found = look();
  if (found) return found;
  known.clear(); // the page has changed, or is new
  note(root, []);
  return look();
}

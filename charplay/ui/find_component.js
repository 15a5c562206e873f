// Gradio's search for the component with an id, which it makes at each value that an event reads or sets. Its own goes
// through the page each time; this one looks first where it came across the component before.
function FIND(root, id) {
  const places = (FIND.places ??= new WeakMap()); // root -> id -> the numbers of children that lead to it
  if (!places.has(root)) places.set(root, new Map());
  const known = places.get(root);
  if (known.has(id)) {
    const component = known.get(id).reduce((parent, number) => parent?.children?.[number], root);
    if (component?.id === id) return component;
  }
  const search = (component, place) => {
    known.set(component.id, place);
    if (component.id === id) return component;
    for (const [number, child] of (component.children ?? []).entries()) {
      const found = search(child, [...place, number]);
      if (found) return found;
    }
    return null;
  };
  return search(root, []);
}

// Writes suggested settings into the form, in the browser: a data summary that arrives late must not undo what the
// user has typed since. A setting stays if the user has changed it, or if its suggestion is the one before.
(suggestion, accepted, changes, ...values) => {
  const {settings} = JSON.parse(suggestion), changed = JSON.parse(changes);
  const before = JSON.parse(accepted).settings ?? {};
  const updates = Object.entries(settings).map(([field, value], index) => {
    const stays = field in changed || value === before[field] || value === values[index];
    return stays ? {__type__: 'update'} : value;
  });
  return [suggestion, ...updates];
}

// Runs before Gradio's scripts, which copy and wrap values that need neither.
(() => {
  // At every event Svelte hands each number and string of what has changed to structuredClone, one at a time: a thousand
  // calls at a key press. They are their own copies. A symbol has none, and still ends in an error.
  const {structuredClone: clone} = window;
  window.structuredClone = (value, options) =>
    Object(value) === value || typeof value === 'symbol' ? clone(value, options) : value;

  // To start, Gradio compares every event with every component, and reads both through the proxies that Svelte wraps
  // plain arrays and objects in. Events do not change; an array of a class of its own is not wrapped.
  class Events extends Array {}
  let config;
  Object.defineProperty(window, 'gradio_config', {
    configurable: true,
    enumerable: true,
    get: () => config,
    set: value => {
      config = value;
      if (Array.isArray(value?.dependencies)) Object.setPrototypeOf(value.dependencies, Events.prototype);
    },
  });
})();

// Addresses: `#/VIEW` and, with a picture that is looked into, `#/VIEW/look/ID`.

/** The place that the address names. */
export function place() {
  const [, view = 'paint', word, id] = location.hash.split('/');
  return { view: view || 'paint', look: word === 'look' && /^[\w-]+$/.test(id ?? '') ? id : null };
}

/** Call `listener` with every new place. */
export function onPlace(listener) {
  window.addEventListener('hashchange', () => {
    if (location.hash.startsWith('#/') || location.hash === '') listener(place());
  });
}

/** Go to a view. */
export function goTo(view) {
  location.hash = `#/${view}`;
}

/** Look into a picture, above the view that is shown. */
export function lookInto(id) {
  location.hash = `#/${place().view}/look/${id}`;
}

/** Back to the view below the picture. */
export function leaveLook() {
  if (place().look) location.hash = `#/${place().view}`;
}

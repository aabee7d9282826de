// Calls that wait for a pause.

/**
 * A function that calls `action` once nobody has called it for `delay` milliseconds.
 *
 * Somebody who types without a pause would wait for ever: `atLatest` milliseconds after the first
 * call that was not served, `action` is called in any case. It is a function that returns them.
 */
export function afterPause(delay, action, atLatest = () => Infinity) {
  let timer = null;
  let since = null;
  const wait = () => {
    const now = performance.now();
    since ??= now;
    clearTimeout(timer);
    timer = setTimeout(() => {
      since = null;
      action();
    }, Math.max(0, Math.min(delay, since + atLatest() - now)));
  };
  wait.stop = () => {
    clearTimeout(timer);
    since = null;
  };
  return wait;
}

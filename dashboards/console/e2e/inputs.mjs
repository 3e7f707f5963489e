// Counts what a hand does on a page: keys without modifiers, and presses of the pointer.

/** To be added before the page loads. */
export function countInputs() {
  window.inputs = { keys: 0, clicks: 0 };
  const modifiers = new Set(['Control', 'Shift', 'Alt', 'Meta']);
  addEventListener('keydown', (event) => event.isTrusted && !modifiers.has(event.key) && (window.inputs.keys += 1), { capture: true });
  addEventListener('pointerdown', (event) => event.isTrusted && (window.inputs.clicks += 1), { capture: true });
}

export const reset = (page) => page.evaluate(() => (window.inputs = { keys: 0, clicks: 0 }));
export const inputs = (page) => page.evaluate(() => window.inputs);

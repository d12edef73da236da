/** X and Wayland applications see the same keycodes of the us layout (the kernel's number + 8). */
export const US_KEYCODES: Readonly<Record<number, string>> = {
  36: 'enter',
  23: 'tab',
  9: 'escape',
  110: 'home',
  117: 'page_down',
  113: 'left',
  71: 'f5',
  96: 'f12',
  65: 'space',
  119: 'delete',
  38: 'a',
  16: '7',
  20: '-',
  53: 'x',
  37: 'ctrl',
  50: 'shift',
};

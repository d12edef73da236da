export { X11Clipboard } from './clipboard.ts';
export {
  EVENT_MASK,
  openX11,
  type PointerState,
  type PropertyValue,
  X11Connection,
} from './connection.ts';
export type { RawInputEvent, X11EventMap, X11EventName } from './events.ts';
export type {
  Composite,
  CursorImage,
  Damage,
  InputDevice,
  Randr,
  Shape,
  Shm,
  ShmSegment,
  X11ExtensionMap,
  X11ExtensionName,
  XFixes,
  XInput,
  XInputEventType,
  XTest,
} from './extensions.ts';
export { characterOfKeysym, KEYSYM, keysymOfCharacter, NAMED_KEYSYMS } from './keysyms.ts';
export { RENDER_OP, type Render, type RenderOp } from './render.ts';
export type { X11Screen } from './transport.ts';
export { X11Error } from './x11-error.ts';
export { EMPTY_XKB_KEY, type Xkb, type XkbKey } from './xkb-map.ts';

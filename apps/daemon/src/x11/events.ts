/**
 * Events as the connection delivers them. Only fields this code base reads are named.
 * `wid` is the window the event is about, as the `x11` package calls it.
 */
export type X11EventMap = {
  KeyPress: KeyEvent;
  KeyRelease: KeyEvent;
  ButtonPress: KeyEvent;
  ButtonRelease: KeyEvent;
  MotionNotify: KeyEvent;
  FocusIn: { wid: number; detail: number; mode: number };
  FocusOut: { wid: number; detail: number; mode: number };
  Expose: { wid: number; x: number; y: number; width: number; height: number; count: number };
  CreateNotify: { wid: number; parent: number; overrideRedirect: boolean } & Geometry;
  DestroyNotify: { wid: number; event: number };
  MapNotify: { wid: number; event: number; overrideRedirect: boolean };
  UnmapNotify: { wid: number; event: number };
  ReparentNotify: { wid: number; event: number; parent: number };
  /** `wid` selected the event, `wid1` is the window that changed. */
  ConfigureNotify: { wid: number; wid1: number; aboveSibling: number } & Geometry;
  CirculateNotify: { wid: number; event: number };
  GravityNotify: { wid: number; event: number };
  /** A window's outline changed; only for windows chosen with `shape.watch`. */
  ShapeNotify: { window: number; kind: number };
  PropertyNotify: { wid: number; atom: number; time: number; state: number };
  SelectionClear: { owner: number; selection: number; time: number };
  SelectionRequest: {
    owner: number;
    requestor: number;
    selection: number;
    target: number;
    property: number;
    time: number;
  };
  SelectionNotify: {
    requestor: number;
    selection: number;
    target: number;
    property: number;
    time: number;
  };
  ClientMessage: { wid: number; message_type: number; format: number; data: number[] };
  /** request: 0 modifiers, 1 keyboard, 2 pointer buttons. */
  MappingNotify: { request: number; firstKeyCode: number; count: number };
  /** The keymap changed or the keyboard was exchanged; only after `require('xkb')`. */
  XkbEvent: { xkbType: number };
  DamageNotify: {
    drawable: number;
    damage: number;
    time: number;
    area: { x: number; y: number; w: number; h: number };
    geometry: { x: number; y: number; w: number; h: number };
  };
  RRScreenChangeNotify: { root: number; width: number; height: number };
  XIRawKeyPress: RawInputEvent;
  XIRawKeyRelease: RawInputEvent;
  XIRawButtonPress: RawInputEvent;
  XIRawButtonRelease: RawInputEvent;
  XIRawMotion: RawInputEvent;
  XIHierarchyChanged: { deviceId: number; time: number };
};

export type X11EventName = keyof X11EventMap;

type Geometry = { x: number; y: number; width: number; height: number };

/** `keycode` is the button number in button events; `buttons` is the state mask before the event. */
type KeyEvent = {
  wid: number;
  root: number;
  child: number;
  keycode: number;
  time: number;
  rootx: number;
  rooty: number;
  x: number;
  y: number;
  buttons: number;
};

/**
 * XInput2 raw event. `sourceId` is the slave device that produced it: the server's own XTEST slaves mean
 * injected input, anything else means a real device. `detail` is the keycode or the button number.
 */
export type RawInputEvent = {
  deviceId: number;
  sourceId: number;
  detail: number;
  time: number;
  flags: number;
};

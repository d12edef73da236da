import type {
  ExtensionBase,
  RawComposite,
  RawCursorImage,
  RawDamage,
  RawFixes,
  RawRandr,
  RawRectangle,
  RawRender,
  RawRes,
  RawShape,
  RawShm,
  RawShmSegment,
  RawXInput,
  RawXkb,
  RawXTest,
} from 'x11';
import { openRender, type Render } from './render.ts';
import type { X11Transport } from './transport.ts';
import { openXkb, type Xkb } from './xkb-map.ts';

/** What `connection.require(name)` yields. Names are the `x11` package's file names. */
export type X11ExtensionMap = {
  xtest: XTest;
  shm: Shm;
  xinput: XInput;
  damage: Damage;
  fixes: XFixes;
  randr: Randr;
  shape: Shape;
  composite: Composite;
  render: Render;
  xkb: Xkb;
  res: Res;
};
export type X11ExtensionName = keyof X11ExtensionMap;

/**
 * Injected input. Each call returns once the server has processed it, so the order between
 * connections is certain; an unusable code rejects with X11Error and nothing happens.
 */
export type XTest = Readonly<{
  key(keycode: number, down: boolean): Promise<void>;
  button(button: number, down: boolean): Promise<void>;
  /** Absolute, root coordinates. */
  motion(x: number, y: number): Promise<void>;
  /** Several keys or buttons in one round trip, in order. */
  batch(events: ReadonlyArray<{ kind: 'key' | 'button'; detail: number; down: boolean }>): Promise<void>;
  /** This connection's requests pass other clients' server grabs. */
  immuneToGrabs(immune: boolean): Promise<void>;
}>;

export type ShmSegment = Readonly<{
  sizeBytes: number;
  /** Copies a rectangle of the drawable into the segment from `offset` (default 0). @returns bytes written. */
  getImage(
    drawable: number,
    x: number,
    y: number,
    width: number,
    height: number,
    offset?: number,
  ): Promise<number>;
  /** Fills `into` with what lies in the segment from `offset` on. */
  read(offset: number, into: Uint8Array): void;
  detach(): Promise<void>;
}>;

export type Shm = Readonly<{
  /** Whether a segment really attaches (extension present, local socket, descriptor passing). */
  usable(): Promise<boolean>;
  createSegment(sizeBytes: number): Promise<ShmSegment>;
}>;

export type InputDevice = Readonly<{
  id: number;
  name: string;
  /** 1 master pointer, 2 master keyboard, 3 slave pointer, 4 slave keyboard, 5 floating. */
  use: number;
  masterId: number;
  enabled: boolean;
}>;

export type XInput = Readonly<{
  /** Negotiated XInput2 version; null on a server without it. */
  version: Readonly<{ major: number; minor: number }> | null;
  /** 0 all devices, 1 all master devices, else one device. */
  devices(device?: number): Promise<readonly InputDevice[]>;
  /** Replaces this client's selection on that window for that device. */
  select(window: number, device: number, events: readonly XInputEventType[]): Promise<void>;
}>;
export type XInputEventType =
  | 'RawKeyPress'
  | 'RawKeyRelease'
  | 'RawButtonPress'
  | 'RawButtonRelease'
  | 'RawMotion'
  | 'HierarchyChanged';

export type DamageLevel = 'raw' | 'delta' | 'bounding_box' | 'non_empty';
export type Damage = Readonly<{
  /** @returns the damage id; `DamageNotify` events follow. */
  create(drawable: number, level: DamageLevel): Promise<number>;
  /** Empties the accumulated region so that later changes are reported again. Not confirmed: it is cheap. */
  clear(damage: number): void;
  destroy(damage: number): Promise<void>;
}>;

export type CursorImage = Readonly<{
  /** Root position of the hot spot. */
  x: number;
  y: number;
  width: number;
  height: number;
  hotX: number;
  hotY: number;
  serial: number;
  /** Premultiplied BGRA rows. */
  pixels: Buffer;
}>;
export type XFixes = Readonly<{
  cursorImage(): Promise<CursorImage>;
  createRegion(rectangles: readonly RawRectangle[]): Promise<number>;
  destroyRegion(region: number): Promise<void>;
  regionRectangles(region: number): Promise<readonly RawRectangle[]>;
  /** kind: 0 bounding, 2 input. Region 0 removes the shape. */
  setWindowShapeRegion(window: number, kind: 0 | 2, x: number, y: number, region: number): Promise<void>;
}>;

export type RandrCrtc = Readonly<{
  x: number;
  y: number;
  width: number;
  height: number;
  outputs: readonly number[];
}>;
export type Randr = Readonly<{
  /** Sends RRScreenChangeNotify to this connection. */
  watch(): Promise<void>;
  crtcs(): Promise<readonly RandrCrtc[]>;
  /** @returns null for an output that is gone. */
  outputName(output: number): Promise<string | null>;
  primaryOutput(): Promise<number>;
}>;

export type Shape = Readonly<{
  /** kind: 0 bounding, 1 clip, 2 input. An empty list with kind 2 lets every click through. */
  setRectangles(window: number, kind: 0 | 1 | 2, rectangles: readonly RawRectangle[]): Promise<void>;
  rectangles(window: number, kind: 0 | 1 | 2): Promise<readonly RawRectangle[]>;
  /** Sends ShapeNotify about this window to this connection. Not confirmed: a window may be gone by then. */
  watch(window: number): void;
}>;

export type Composite = Readonly<{
  version: Readonly<{ major: number; minor: number }>;
  redirectSubwindows(window: number, mode: 'automatic' | 'manual'): Promise<void>;
  unredirectSubwindows(window: number): Promise<void>;
  redirectWindow(window: number, mode: 'automatic' | 'manual'): Promise<void>;
  unredirectWindow(window: number): Promise<void>;
  /** @returns a pixmap id that holds the window's off-screen pixels; the caller frees it. */
  nameWindowPixmap(window: number): Promise<number>;
  /** The same inside `checked`: the id is good once the server has taken it. */
  sendNameWindowPixmap(window: number): number;
  /** The window a compositor paints the screen on. Ask only while one runs: asking alone would map it. */
  overlayWindow(): Promise<number>;
}>;

/** What the server itself knows of its clients (X-Resource 1.2). */
export type Res = Readonly<{
  /** The process that made this window; null for one on another computer, and where the server doesn't say. */
  processOf(resource: number): Promise<number | null>;
}>;

type Build<Raw, Wrapped> = (connection: X11Transport, raw: Raw) => Wrapped | Promise<Wrapped>;

const KEY_PRESS = 2;
const BUTTON_PRESS = 4;
const MOTION_NOTIFY = 6;

const xtest: Build<RawXTest, XTest> = (connection, raw) => ({
  key: (keycode, down) =>
    connection.checked('XTEST key', () =>
      raw.FakeInput(down ? KEY_PRESS : KEY_PRESS + 1, keycode, 0, 0, 0, 0),
    ),
  button: (button, down) =>
    connection.checked('XTEST button', () =>
      raw.FakeInput(down ? BUTTON_PRESS : BUTTON_PRESS + 1, button, 0, 0, 0, 0),
    ),
  motion: (x, y) =>
    connection.checked('XTEST motion', () => raw.FakeInput(MOTION_NOTIFY, 0, 0, connection.root, x, y)),
  batch: (events) =>
    connection.checked('XTEST batch', () => {
      for (const { kind, detail, down } of events)
        raw.FakeInput((kind === 'key' ? KEY_PRESS : BUTTON_PRESS) + (down ? 0 : 1), detail, 0, 0, 0, 0);
    }),
  immuneToGrabs: (immune) => connection.checked('XTEST GrabControl', () => raw.GrabControl(immune)),
});

const ALL_PLANES = 0xffffffff;
const Z_PIXMAP = 2;

const shm: Build<RawShm, Shm> = (connection, raw) => ({
  usable: () => connection.answer<boolean>('MIT-SHM probe', (reply) => raw.usable(reply)),
  createSegment: async (sizeBytes) => {
    const segment = await connection.answer<RawShmSegment>('MIT-SHM segment', (reply) =>
      raw.createSegment(sizeBytes, reply),
    );
    return {
      sizeBytes,
      async getImage(drawable, x, y, width, height, offset = 0) {
        const { size } = await connection.answer<{ size: number }>('MIT-SHM GetImage', (reply) =>
          raw.GetImage(drawable, x, y, width, height, ALL_PLANES, Z_PIXMAP, segment.shmseg, offset, reply),
        );
        return size;
      },
      read: (offset, into) => segment.buffer.read(offset, into),
      detach: () => connection.answer<void>('MIT-SHM detach', (reply) => segment.detach(() => reply(null))),
    };
  },
});

const xinput: Build<RawXInput, XInput> = (connection, raw) => ({
  version: raw.xi2 === null ? null : { major: raw.xi2.majorVersion, minor: raw.xi2.minorVersion },
  devices: async (device = 0) => {
    const devices = await connection.answer<
      Array<{ deviceId: number; use: number; attachment: number; enabled: number; name: string }>
    >('XIQueryDevice', (reply) => raw.XIQueryDevice(device, reply));
    return devices.map(({ deviceId, use, attachment, enabled, name }) => ({
      id: deviceId,
      name,
      use,
      masterId: attachment,
      enabled: enabled !== 0,
    }));
  },
  select: (window, device, events) =>
    connection.checked('XISelectEvents', () => {
      let mask = 0;
      for (const event of events) mask |= raw.EventMask[event] ?? 0;
      raw.XISelectEvents(window, [{ deviceId: device, mask }]);
    }),
});

const DAMAGE_LEVELS = { raw: 0, delta: 1, bounding_box: 2, non_empty: 3 } as const;

const damage: Build<RawDamage, Damage> = (connection, raw) => ({
  create: async (drawable, level) => {
    const id = connection.allocateId();
    await connection.checked('DamageCreate', () => raw.Create(id, drawable, DAMAGE_LEVELS[level]));
    return id;
  },
  clear: (id) => connection.unchecked(() => raw.Subtract(id, 0, 0)),
  destroy: async (id) => {
    await connection.checked('DamageDestroy', () => raw.Destroy(id));
    connection.releaseId(id);
  },
});

const fixes: Build<RawFixes, XFixes> = (connection, raw) => ({
  cursorImage: async () => {
    const image = await connection.answer<RawCursorImage>('XFixesGetCursorImage', (reply) =>
      raw.GetCursorImage(reply),
    );
    return {
      x: image.x,
      y: image.y,
      width: image.width,
      height: image.height,
      hotX: image.xhot,
      hotY: image.yhot,
      serial: image.cursorSerial,
      pixels: image.cursorImage,
    };
  },
  createRegion: async (rectangles) => {
    const id = connection.allocateId();
    await connection.checked('XFixesCreateRegion', () => raw.CreateRegion(id, rectangles));
    return id;
  },
  destroyRegion: async (region) => {
    await connection.checked('XFixesDestroyRegion', () => raw.DestroyRegion(region));
    connection.releaseId(region);
  },
  regionRectangles: async (region) => {
    const fetched = await connection.answer<{ rectangles: RawRectangle[] }>('XFixesFetchRegion', (reply) =>
      raw.FetchRegion(region, reply),
    );
    return fetched.rectangles;
  },
  setWindowShapeRegion: (window, kind, x, y, region) =>
    connection.checked('XFixesSetWindowShapeRegion', () =>
      raw.SetWindowShapeRegion(window, kind, x, y, region),
    ),
});

const SCREEN_AND_CRTC_CHANGES = 1 | 2;

const randr: Build<RawRandr, Randr> = (connection, raw) => ({
  // CRTC notifications arrive as an event the package has no name for; the screen change always comes with them.
  watch: () =>
    connection.checked('RRSelectInput', () => raw.SelectInput(connection.root, SCREEN_AND_CRTC_CHANGES)),
  crtcs: async () => {
    const resources = await connection.answer<{ config_timestamp: number; crtcs: number[] }>(
      'RRGetScreenResourcesCurrent',
      (reply) => raw.GetScreenResourcesCurrent(connection.root, reply),
    );
    const all = await Promise.all(
      resources.crtcs.map((crtc) =>
        connection.answer<{
          x: number;
          y: number;
          width: number;
          height: number;
          mode: number;
          output: number[];
        }>('RRGetCrtcInfo', (reply) => raw.GetCrtcInfo(crtc, resources.config_timestamp, reply)),
      ),
    );
    return all
      .filter((crtc) => crtc.mode !== 0 && crtc.width > 0 && crtc.height > 0)
      .map(({ x, y, width, height, output }) => ({ x, y, width, height, outputs: output }));
  },
  outputName: async (output) => {
    try {
      const info = await connection.answer<{ name: string }>('RRGetOutputInfo', (reply) =>
        raw.GetOutputInfo(output, 0, reply),
      );
      return info.name;
    } catch (error) {
      if (connection.isClosed) throw error;
      return null;
    }
  },
  primaryOutput: () =>
    connection.answer<number>('RRGetOutputPrimary', (reply) => raw.GetOutputPrimary(connection.root, reply)),
});

const shape: Build<RawShape, Shape> = (connection, raw) => ({
  setRectangles: (window, kind, rectangles) =>
    connection.checked('ShapeRectangles', () =>
      raw.Rectangles(
        0,
        kind,
        window,
        0,
        0,
        rectangles.map((rect) => [rect.x, rect.y, rect.width, rect.height]),
      ),
    ),
  rectangles: async (window, kind) => {
    const { rectangles } = await connection.answer<{ rectangles: number[][] }>(
      'ShapeGetRectangles',
      (reply) => raw.GetRectangles(window, kind, reply as never),
    );
    return rectangles.map(([x = 0, y = 0, width = 0, height = 0]) => ({ x, y, width, height }));
  },
  watch: (window) => connection.unchecked(() => raw.SelectInput(window, 1)),
});

const composite: Build<RawComposite, Composite> = (connection, raw) => {
  const mode = (name: 'automatic' | 'manual') => (name === 'automatic' ? 0 : 1);
  return {
    version: { major: raw.major, minor: raw.minor },
    redirectSubwindows: (window, update) =>
      connection.checked('CompositeRedirectSubwindows', () => raw.RedirectSubwindows(window, mode(update))),
    unredirectSubwindows: (window) =>
      connection.checked('CompositeUnredirectSubwindows', () => raw.UnredirectSubwindows(window)),
    redirectWindow: (window, update) =>
      connection.checked('CompositeRedirectWindow', () => raw.RedirectWindow(window, mode(update))),
    unredirectWindow: (window) =>
      connection.checked('CompositeUnredirectWindow', () => raw.UnredirectWindow(window)),
    nameWindowPixmap: async (window) => {
      const pixmap = connection.allocateId();
      await connection.checked('CompositeNameWindowPixmap', () => raw.NameWindowPixmap(window, pixmap));
      return pixmap;
    },
    sendNameWindowPixmap: (window) => {
      const pixmap = connection.allocateId();
      raw.NameWindowPixmap(window, pixmap);
      return pixmap;
    },
    overlayWindow: async () => {
      const window = await connection.answer<number>('CompositeGetOverlayWindow', (reply) => {
        raw.GetOverlayWindow(connection.root, reply);
        // In the same write, so that our own claim never outlives the compositor's.
        raw.ReleaseOverlayWindow(connection.root);
      });
      return window;
    },
  };
};

const render: Build<RawRender, Render> = openRender;

const xkb: Build<RawXkb, Xkb> = openXkb;

const LOCAL_CLIENT_PID = 2;

const res: Build<RawRes, Res> = async (connection, raw) => {
  const [major, minor] = await connection.answer<readonly [number, number]>('XResQueryVersion', (reply) =>
    raw.QueryVersion(1, 2, reply),
  );
  if (major < 1 || (major === 1 && minor < 2)) return { processOf: async () => null };
  return {
    processOf: async (resource) => {
      const ids = await connection.answer<ReadonlyArray<{ mask: number; value: readonly number[] }>>(
        'XResQueryClientIds',
        (reply) => raw.QueryClientIds([{ client: resource, mask: LOCAL_CLIENT_PID }], reply),
      );
      const pid = ids.find(({ mask }) => mask === LOCAL_CLIENT_PID)?.value[0] ?? 0;
      return pid > 0 ? pid : null;
    },
  };
};

const BUILDERS: { [Name in X11ExtensionName]: Build<never, X11ExtensionMap[Name]> } = {
  xtest,
  shm,
  xinput,
  damage,
  fixes,
  randr,
  shape,
  composite,
  render,
  xkb,
  res,
};

export function wrapExtension<Name extends X11ExtensionName>(
  connection: X11Transport,
  name: Name,
  raw: ExtensionBase,
): X11ExtensionMap[Name] | Promise<X11ExtensionMap[Name]> {
  return BUILDERS[name](connection, raw as never);
}

/**
 * Types for the parts of the `x11` package (4.2.2, which ships none) that this folder uses.
 * Only the shapes that were read in its source are declared; everything else stays unknown on purpose.
 */
declare module 'x11' {
  /** Node-style callback; returning true tells the package that an error was handled. */
  export type Reply<T> = (error: XError | null | undefined, value: T) => boolean | undefined;

  export interface XError extends Error {
    /** X error code, e.g. 2 = BadValue. */
    error?: number;
    seq?: number;
    badParam?: number;
    majorOpcode?: number;
    minorOpcode?: number;
  }

  export type Visual = {
    vid: number;
    class: number;
    red_mask: number;
    green_mask: number;
    blue_mask: number;
  };

  export type Screen = {
    root: number;
    root_depth: number;
    root_visual: number;
    default_colormap: number;
    white_pixel: number;
    black_pixel: number;
    pixel_width: number;
    pixel_height: number;
    mm_width: number;
    mm_height: number;
    depths: Record<number, Record<number, Visual>>;
  };

  export type Display = {
    client: Client;
    screen: Screen[];
    min_keycode: number;
    max_keycode: number;
    resource_mask: number;
    image_byte_order: number;
    max_request_length: number;
    format: Record<number, { bits_per_pixel: number; scanline_pad: number }>;
    vendor: string;
  };

  export type RawEvent = { name?: string; type: number; rawData: Buffer } & Record<string, unknown>;

  export type RawStream = NodeJS.EventEmitter & { destroyed: boolean; destroy(): void };

  export interface Client extends NodeJS.EventEmitter {
    display: Display;
    stream?: RawStream;
    seq_num: number;
    /** Outgoing bytes of one request; `submit(true)` when a reply follows. */
    pack_stream: { put(packet: Buffer): void; submit(expectsReply?: boolean): void; flush(): void };
    /** By sequence number: how to read the reply's body (after its first 8 bytes), and whom to tell. */
    replies: Record<number, [(body: Buffer, byte1: number) => unknown, Reply<never>]>;
    atoms: Record<string, number>;
    atom_names: Record<number, string>;
    AllocID(): number;
    ReleaseID(id: number): void;
    terminate(): void;
    require(name: string, callback: (error: Error | null, extension: never) => void): void;

    CreateWindow(
      id: number,
      parent: number,
      x: number,
      y: number,
      width: number,
      height: number,
      borderWidth: number,
      depth: number,
      windowClass: number,
      visual: number,
      values: Record<string, number>,
    ): void;
    ChangeWindowAttributes(window: number, values: Record<string, number>): void;
    GetWindowAttributes(
      window: number,
      reply: Reply<{
        visual: number;
        klass: number;
        mapState: number;
        overrideRedirect: number;
        myEventMasks: number;
      }>,
    ): void;
    CreateColormap(id: number, window: number, visual: number, allocate: 0 | 1): void;
    DestroyWindow(window: number): void;
    MapWindow(window: number): void;
    UnmapWindow(window: number): void;
    ConfigureWindow(window: number, values: Record<string, number>): void;
    GetGeometry(
      drawable: number,
      reply: Reply<{
        depth: number;
        xPos: number;
        yPos: number;
        width: number;
        height: number;
        borderWidth: number;
      }>,
    ): void;
    QueryTree(window: number, reply: Reply<{ root: number; parent: number; children: number[] }>): void;
    InternAtom(onlyIfExists: boolean, name: string, reply: Reply<number>): void;
    GetAtomName(atom: number, reply: Reply<string>): void;
    ChangeProperty(
      mode: 0 | 1 | 2,
      window: number,
      name: number,
      type: number,
      format: 8 | 16 | 32,
      data: Buffer,
    ): void;
    DeleteProperty(window: number, name: number): void;
    GetProperty(
      remove: 0 | 1,
      window: number,
      name: number,
      type: number,
      longOffset: number,
      longLength: number,
      reply: Reply<{ type: number; format: number; bytesAfter: number; data: Buffer }>,
    ): void;
    ListProperties(window: number, reply: Reply<number[]>): void;
    SetSelectionOwner(owner: number, selection: number, time: number): void;
    GetSelectionOwner(selection: number, reply: Reply<number>): void;
    ConvertSelection(
      requestor: number,
      selection: number,
      target: number,
      property: number,
      time: number,
    ): void;
    SendEvent(destination: number, propagate: 0 | 1, eventMask: number, event: object): void;
    GrabKeyboard(
      window: number,
      ownerEvents: 0 | 1,
      time: number,
      pointerMode: 0 | 1,
      keyboardMode: 0 | 1,
      reply: Reply<number>,
    ): void;
    UngrabKeyboard(time: number): void;
    GrabPointer(
      window: number,
      ownerEvents: 0 | 1,
      eventMask: number,
      pointerMode: 0 | 1,
      keyboardMode: 0 | 1,
      confineTo: number,
      cursor: number,
      time: number,
      reply: Reply<number>,
    ): void;
    GrabKey(
      window: number,
      ownerEvents: 0 | 1,
      modifiers: number,
      keycode: number,
      pointerMode: 0 | 1,
      keyboardMode: 0 | 1,
    ): void;
    UngrabKey(window: number, keycode: number, modifiers: number): void;
    GrabServer(): void;
    UngrabServer(): void;
    QueryPointer(
      window: number,
      reply: Reply<{
        root: number;
        child: number;
        rootX: number;
        rootY: number;
        childX: number;
        childY: number;
        keyMask: number;
      }>,
    ): void;
    TranslateCoordinates(
      source: number,
      destination: number,
      x: number,
      y: number,
      reply: Reply<{ child: number; destX: number; destY: number }>,
    ): void;
    SetInputFocus(window: number, revertTo: 0 | 1 | 2): void;
    GetInputFocus(reply: Reply<{ focus: number; revertTo: number }>): void;
    QueryKeymap(reply: Reply<Buffer>): void;
    GetKeyboardMapping(first: number, count: number, reply: Reply<number[][]>): void;
    ChangeKeyboardMapping(first: number, keysymsPerKeycode: number, keysyms: readonly number[]): void;
    GetModifierMapping(reply: Reply<number[][]>): void;
    GetPointerMapping(reply: Reply<number[]>): void;
    CreatePixmap(id: number, drawable: number, depth: number, width: number, height: number): void;
    FreePixmap(pixmap: number): void;
    CreateGC(id: number, drawable: number, values: Record<string, number>): void;
    FreeGC(id: number): void;
    CopyArea(
      source: number,
      destination: number,
      gc: number,
      sourceX: number,
      sourceY: number,
      destinationX: number,
      destinationY: number,
      width: number,
      height: number,
    ): void;
    PolyFillRectangle(drawable: number, gc: number, coordinates: readonly number[]): void;
    PutImage(
      format: 2,
      drawable: number,
      gc: number,
      width: number,
      height: number,
      x: number,
      y: number,
      leftPad: 0,
      depth: number,
      data: Buffer,
    ): void;
    GetImage(
      format: 2,
      drawable: number,
      x: number,
      y: number,
      width: number,
      height: number,
      planeMask: number,
      reply: Reply<{ depth: number; visualId: number; data: Buffer }>,
    ): void;
    KillClient(resource: number): void;
    Bell(percent: number): void;
  }

  export type ExtensionBase = { majorOpcode: number; firstEvent: number; firstError: number };

  export type RawXTest = ExtensionBase & {
    FakeInput(type: number, detail: number, delayMs: number, window: number, x: number, y: number): void;
    GrabControl(impervious: boolean): void;
  };

  export type ShmProvider = typeof import('./shared-memory.ts').sharedMemoryProvider;
  export type RawShmSegment = {
    shmseg: number;
    size: number;
    /** What the provider made. */
    buffer: import('./shared-memory.ts').SharedMemory;
    detach(done?: () => void): void;
  };
  export type RawShm = ExtensionBase & {
    usable(reply: (error: Error | null, usable: boolean) => void): void;
    createSegment(size: number, reply: (error: Error | null, segment: RawShmSegment) => void): void;
    GetImage(
      drawable: number,
      x: number,
      y: number,
      width: number,
      height: number,
      planeMask: number,
      format: 2,
      segment: number,
      offset: number,
      reply: Reply<{ depth: number; visual: number; size: number }>,
    ): void;
  };

  export type RawDamage = ExtensionBase & {
    Create(damage: number, drawable: number, level: 0 | 1 | 2 | 3): void;
    Destroy(damage: number): void;
    Subtract(damage: number, repair: number, parts: number): void;
  };

  export type RawCursorImage = {
    x: number;
    y: number;
    width: number;
    height: number;
    xhot: number;
    yhot: number;
    cursorSerial: number;
    cursorImage: Buffer;
  };
  export type RawFixes = ExtensionBase & {
    QueryVersion(major: number, minor: number, reply: Reply<[number, number]>): void;
    GetCursorImage(reply: Reply<RawCursorImage>): void;
    CreateRegion(region: number, rectangles: readonly object[]): void;
    DestroyRegion(region: number): void;
    FetchRegion(region: number, reply: Reply<{ extents: RawRectangle; rectangles: RawRectangle[] }>): void;
    SetWindowShapeRegion(window: number, kind: number, x: number, y: number, region: number): void;
  };
  export type RawRectangle = { x: number; y: number; width: number; height: number };

  export type RawRandr = ExtensionBase & {
    SelectInput(window: number, mask: number): void;
    GetScreenResourcesCurrent(
      window: number,
      reply: Reply<{ config_timestamp: number; crtcs: number[]; outputs: number[] }>,
    ): void;
    GetOutputInfo(
      output: number,
      timestamp: number,
      reply: Reply<{ name: string; crtc: number; connection: number; mm_width: number; mm_height: number }>,
    ): void;
    GetCrtcInfo(
      crtc: number,
      timestamp: number,
      reply: Reply<{
        x: number;
        y: number;
        width: number;
        height: number;
        mode: number;
        rotation: number;
        output: number[];
      }>,
    ): void;
    GetOutputPrimary(window: number, reply: Reply<number>): void;
  };

  export type RawShape = ExtensionBase & {
    Rectangles(
      operation: 0 | 1 | 2 | 3 | 4,
      kind: 0 | 1 | 2,
      window: number,
      x: number,
      y: number,
      rectangles: readonly (readonly number[])[],
    ): void;
    GetRectangles(
      window: number,
      kind: 0 | 1 | 2,
      reply: Reply<{ rectangles: unknown[]; ordering: number }>,
    ): void;
    SelectInput(window: number, enable: 0 | 1): void;
  };

  export type RawComposite = ExtensionBase & {
    major: number;
    minor: number;
    RedirectWindow(window: number, update: 0 | 1): void;
    RedirectSubwindows(window: number, update: 0 | 1): void;
    UnredirectWindow(window: number): void;
    UnredirectSubwindows(window: number): void;
    NameWindowPixmap(window: number, pixmap: number): void;
    GetOverlayWindow(window: number, reply: Reply<number>): void;
    ReleaseOverlayWindow(window: number): void;
  };

  export type RawRender = ExtensionBase & {
    /** PICTFORMAT id; undefined or 0 where RENDER has none. */
    findVisualFormat(visual: number): number | undefined;
    CreatePicture(id: number, drawable: number, format: number, values: Record<string, number>): void;
    FreePicture(picture: number): void;
    SetPictureClipRectangles(picture: number, x: number, y: number, rectangles: readonly number[]): void;
    Composite(
      operator: number,
      source: number,
      mask: number,
      destination: number,
      sourceX: number,
      sourceY: number,
      maskX: number,
      maskY: number,
      destinationX: number,
      destinationY: number,
      width: number,
      height: number,
    ): void;
    FillRectangles(
      operator: number,
      picture: number,
      color: readonly number[],
      rectangles: readonly number[],
    ): void;
  };

  export type RawXkb = ExtensionBase & {
    SelectEvents(
      device: number,
      which: number,
      clear: number,
      selectAll: number,
      affectMap: number,
      map: number,
      details: object,
    ): void;
  };

  export type RawRes = ExtensionBase & {
    QueryVersion(major: number, minor: number, reply: Reply<readonly [number, number]>): void;
    QueryClientIds(
      specs: ReadonlyArray<{ client: number; mask: number }>,
      reply: Reply<ReadonlyArray<{ client: number; mask: number; value: readonly number[] }>>,
    ): void;
  };

  export type RawXInput = ExtensionBase & {
    xi2: { majorVersion: number; minorVersion: number } | null;
    EventMask: Record<string, number>;
    XIQueryDevice(
      device: number,
      reply: Reply<
        Array<{ deviceId: number; use: number; attachment: number; enabled: number; name: string }>
      >,
    ): void;
    XISelectEvents(window: number, masks: ReadonlyArray<{ deviceId: number; mask: number }>): void;
  };

  export function createClient(
    options: {
      display?: string;
      shm?: false | 'off' | ShmProvider;
      bufferRequests?: { shouldFlush: () => boolean | undefined };
    },
    callback: (error: Error | null | undefined, display: Display) => void,
  ): Client;
  export const eventMask: Readonly<Record<string, number>>;
  /** CommonJS module object; `keySyms` is a lazy getter, which named imports do not see. */
  const x11: { readonly keySyms: Readonly<Record<string, { code: number; description?: string | null }>> };
  export default x11;
}

declare module 'x11/lib/fdpass.js' {
  const descriptors: { connect(path: string): import('node:net').Socket | null };
  export default descriptors;
}
